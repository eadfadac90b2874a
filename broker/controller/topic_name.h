// The rules of topic names (Kafka: org.apache.kafka.common.internals.Topic).
#pragma once

#include <string>
#include <string_view>

#include "broker/base/result.h"

namespace millrace::controller {

// Empty, ".", "..", longer than 249 characters or with a character outside [a-zA-Z0-9._-] is invalid_argument; the message is Kafka's.
Status check_topic_name(std::string_view name);

// Metric names put '_' for '.': two names that differ in these alone collide.
bool topic_names_collide(std::string_view left, std::string_view right);

// Topics that brokers write for themselves.
bool is_internal_topic(std::string_view name);

}  // namespace millrace::controller
