// Every key that a topic may set: all of Kafka 3.9 (LogConfig), each with the broker's key that gives its default.
// Immutable after the first call; any thread.
#pragma once

#include <span>

#include "broker/base/config_table.h"

namespace millrace::server {

std::span<const ConfigRow> topic_config_rows();

const ConfigTable& topic_config_table();

}  // namespace millrace::server
