// Log lines for people: one sentence each, with the names and numbers they need. To standard error, with time and level.
// Light on purpose: fmt and spdlog stay in logging.cpp. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace {

enum class LogLevel : std::uint8_t { trace, debug, info, warning, error, fatal, off };

// Of every component that has none of its own.
void set_log_level(LogLevel level);
[[nodiscard]] LogLevel log_level();
// A component's own; nullopt takes it away.
void set_log_level(std::string_view component, std::optional<LogLevel> level);
// What is in force for the component.
[[nodiscard]] LogLevel log_level(std::string_view component);
// "trace", "debug", "info", "warning", "error", "fatal" or "off".
[[nodiscard]] std::optional<LogLevel> parse_log_level(std::string_view name);
[[nodiscard]] bool log_enabled(LogLevel level, std::string_view component);
void log_line(LogLevel level, std::string_view component, std::string_view message);

// A component's voice: `constexpr Logger logger{"log"};  logger.info("recovered " + name);`
struct Logger {
  std::string_view component;

  void debug(std::string_view message) const { log_line(LogLevel::debug, component, message); }
  void info(std::string_view message) const { log_line(LogLevel::info, component, message); }
  void warning(std::string_view message) const { log_line(LogLevel::warning, component, message); }
  void error(std::string_view message) const { log_line(LogLevel::error, component, message); }
};

}  // namespace millrace
