// The levels of the broker's loggers by the names and words of Kafka's tools: "root" and each component; FATAL,
// ERROR, WARN, INFO, DEBUG and TRACE (Kafka: RuntimeLoggerManager, Log4jController, LogLevelConfig). Of the process,
// and not kept over a restart. Any thread.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/server/configuration/config_alteration.h"

namespace millrace::server {

// Every logger with its level in force, ordered by name.
std::vector<std::pair<std::string, std::string>> logger_levels();

// Nothing is changed when one of the changes is refused, or when it is only tried.
std::optional<ConfigRefusal> alter_logger_levels(const std::vector<ConfigChange>& changes, bool validate_only);

}  // namespace millrace::server
