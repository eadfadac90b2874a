#include "broker/server/logger_levels.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "broker/base/logging.h"

namespace millrace::server {
namespace {

using protocol::ConfigOperation;
using protocol::ErrorCode;

constexpr Logger logger{"server"};
constexpr std::string_view root = "root";
constexpr std::array names = std::to_array<std::string_view>(
    {"broker", "controller", "http", "log", "main", "metadata", "network", "replication", "root", "server"});

struct NamedLevel {
  std::string_view name;
  LogLevel level;
};
constexpr std::array levels = std::to_array<NamedLevel>({{"DEBUG", LogLevel::debug},
                                                         {"ERROR", LogLevel::error},
                                                         {"FATAL", LogLevel::fatal},
                                                         {"INFO", LogLevel::info},
                                                         {"TRACE", LogLevel::trace},
                                                         {"WARN", LogLevel::warning}});

// "off" shows as the quietest that has a word.
std::string_view word_of(LogLevel level) {
  auto known = std::ranges::find(levels, level == LogLevel::off ? LogLevel::fatal : level, &NamedLevel::level);
  return known->name;
}

const NamedLevel* level_of(std::string_view word) {
  auto known = std::ranges::find(levels, word, &NamedLevel::name);
  return known == levels.end() ? nullptr : &*known;
}

std::optional<ConfigRefusal> check_known(const std::string& name) {
  if (std::ranges::find(names, name) != names.end()) return std::nullopt;
  return ConfigRefusal{ErrorCode::invalid_config, "Logger " + name + " does not exist!"};
}

std::optional<ConfigRefusal> check(const ConfigChange& change) {
  switch (change.operation) {
    case ConfigOperation::set: {
      if (auto unknown = check_known(change.name)) return unknown;
      if (level_of(*change.value) != nullptr) return std::nullopt;
      std::string words;
      for (const auto& level : levels) words += (words.empty() ? "" : ", ") + std::string(level.name);
      return ConfigRefusal{ErrorCode::invalid_config,
                           "Cannot set the log level of " + change.name + " to " + *change.value +
                               " as it is not a supported log level. Valid log levels are " + words};
    }
    case ConfigOperation::remove:
      if (auto unknown = check_known(change.name)) return unknown;
      if (change.name != root) return std::nullopt;
      return ConfigRefusal{ErrorCode::invalid_request, "Removing the log level of the root logger is not allowed"};
    case ConfigOperation::append:
    case ConfigOperation::subtract:
      return ConfigRefusal{ErrorCode::invalid_request,
                           std::string(change.operation == ConfigOperation::append ? "APPEND" : "SUBTRACT") +
                               " operation is not allowed for the BROKER_LOGGER resource"};
  }
  return ConfigRefusal{ErrorCode::unknown_server_error, std::nullopt};
}

void apply(const ConfigChange& change) {
  if (change.operation == ConfigOperation::remove) return set_log_level(change.name, std::nullopt);
  auto level = level_of(*change.value)->level;
  change.name == root ? set_log_level(level) : set_log_level(change.name, level);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> logger_levels() {
  std::vector<std::pair<std::string, std::string>> all;
  for (auto name : names) {
    auto level = name == root ? log_level() : log_level(name);
    all.emplace_back(name, word_of(level));
  }
  return all;
}

std::optional<ConfigRefusal> alter_logger_levels(const std::vector<ConfigChange>& changes, bool validate_only) {
  for (const auto& change : changes) {
    if (auto refusal = check(change)) return refusal;
  }
  if (validate_only) return std::nullopt;
  for (const auto& change : changes) {
    apply(change);
    logger.info("the log level of " + change.name + " is " +
                (change.operation == ConfigOperation::remove ? std::string("that of root") : *change.value));
  }
  return std::nullopt;
}

}  // namespace millrace::server
