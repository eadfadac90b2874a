#include "broker/base/logging.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <iterator>
#include <map>
#include <mutex>
#include <shared_mutex>

namespace millrace {
namespace {

spdlog::logger& sink() {
  static const auto logger = [] {
    auto made = std::make_shared<spdlog::logger>("millrace", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("[%Y-%m-%d %H:%M:%S,%e] %l %v");
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::trace:
      return spdlog::level::trace;
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::fatal:
      return spdlog::level::critical;
    case LogLevel::off:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

struct Levels {
  std::atomic<LogLevel> root{LogLevel::info};
  // Whether a component has a level of its own: the common case asks no lock.
  std::atomic<bool> has_own{false};
  std::shared_mutex mutex;
  std::map<std::string, LogLevel, std::less<>> own;
};

Levels& levels() {
  static Levels all;
  return all;
}

}  // namespace

void set_log_level(LogLevel level) { levels().root = level; }

LogLevel log_level() { return levels().root; }

void set_log_level(std::string_view component, std::optional<LogLevel> level) {
  auto& all = levels();
  std::unique_lock lock(all.mutex);
  if (level) {
    all.own.insert_or_assign(std::string(component), *level);
  } else if (auto at = all.own.find(component); at != all.own.end()) {
    all.own.erase(at);
  }
  all.has_own = !all.own.empty();
}

LogLevel log_level(std::string_view component) {
  auto& all = levels();
  if (all.has_own) {
    std::shared_lock lock(all.mutex);
    if (auto at = all.own.find(component); at != all.own.end()) return at->second;
  }
  return all.root;
}

std::optional<LogLevel> parse_log_level(std::string_view name) {
  constexpr std::string_view names[] = {"trace", "debug", "info", "warning", "error", "fatal", "off"};
  for (std::size_t i = 0; i < std::size(names); ++i) {
    if (names[i] == name) return static_cast<LogLevel>(i);
  }
  return std::nullopt;
}

bool log_enabled(LogLevel level, std::string_view component) { return level >= log_level(component); }

void log_line(LogLevel level, std::string_view component, std::string_view message) {
  if (log_enabled(level, component)) sink().log(level_of(level), "[{}] {}", component, message);
}

}  // namespace millrace
