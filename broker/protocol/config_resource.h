// The numbers that describe a configuration entry on the wire (org.apache.kafka.common.config.ConfigResource,
// org.apache.kafka.common.requests.DescribeConfigsResponse).
#pragma once

#include <cstdint>

namespace millrace::protocol {

enum class ConfigResourceType : std::int8_t {
  unknown = 0,
  topic = 2,
  broker = 4,
  broker_logger = 8,
  client_metrics = 16,
};

// What IncrementalAlterConfigs does with one value (KIP-339).
enum class ConfigOperation : std::int8_t {
  set = 0,
  remove = 1,  // Kafka's DELETE: back to the default
  append = 2,  // to a list
  subtract = 3,
};

// Where a value comes from; a lower one hides a higher one.
enum class ConfigSource : std::int8_t {
  absent = -1,  // of an answer whose version has no sources
  unknown = 0,
  topic = 1,
  dynamic_broker = 2,
  dynamic_default_broker = 3,
  static_broker = 4,
  default_config = 5,
  dynamic_broker_logger = 6,
  client_metrics = 7,
};

enum class ConfigType : std::int8_t {
  unknown = 0,
  boolean = 1,
  string = 2,
  integer = 3,
  short_integer = 4,
  long_integer = 5,
  floating = 6,
  list = 7,
  class_name = 8,
  password = 9,
};

}  // namespace millrace::protocol
