// CreateTopics (key 19). KIP-4 validate only (v1), KIP-464 defaults for partitions and replicas (v4), KIP-525 configs in the answer (v5),
// KIP-599 throttling (v6), KIP-516 topic ids (v7).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/config_resource.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct CreateTopicsResponse;

struct CreateTopicsRequest {
  static constexpr ApiKey api_key = ApiKey::create_topics;
  static constexpr Versions versions{0, 7};
  static constexpr Version flexible_since = 5;
  using Response = CreateTopicsResponse;

  struct Topic {
    struct Assignment {
      PartitionIndex partition_index{};
      Array<BrokerId> broker_ids{};

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("partition_index", self.partition_index);
        field("broker_ids", self.broker_ids);
      }
    };

    struct Config {
      String name{};
      NullableString value = "";

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("name", self.name);
        field("value", self.value, nullable());
      }
    };

    String name{};
    std::int32_t num_partitions = 0;
    std::int16_t replication_factor = 0;
    Array<Assignment> assignments{};
    Array<Config> configs{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name);
      field("num_partitions", self.num_partitions);
      field("replication_factor", self.replication_factor);
      field("assignments", self.assignments);
      field("configs", self.configs);
    }
  };

  Array<Topic> topics{};
  std::int32_t timeout_ms = 60000;
  bool validate_only = false;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("topics", self.topics);
    field("timeout_ms", self.timeout_ms);
    field("validate_only", self.validate_only, since(1));
  }
};

struct CreateTopicsResponse {
  using Request = CreateTopicsRequest;

  struct Topic {
    struct Config {
      String name{};
      NullableString value = "";
      bool read_only = false;
      ConfigSource config_source = ConfigSource::absent;
      bool is_sensitive = false;

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("name", self.name);
        field("value", self.value, nullable());
        field("read_only", self.read_only);
        field("config_source", self.config_source, ignorable);
        field("is_sensitive", self.is_sensitive);
      }
    };

    String name{};
    TopicId topic_id{};
    ErrorCode error_code{};
    NullableString error_message = "";
    ErrorCode topic_config_error_code{};
    std::int32_t num_partitions = -1;
    std::int16_t replication_factor = -1;
    NullableArray<Config> configs{std::in_place};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name);
      field("topic_id", self.topic_id, since(7), ignorable);
      field("error_code", self.error_code);
      field("error_message", self.error_message, since(1), nullable(), ignorable);
      field("topic_config_error_code", self.topic_config_error_code, since(5), tag(0), ignorable);
      field("num_partitions", self.num_partitions, since(5), ignorable);
      field("replication_factor", self.replication_factor, since(5), ignorable);
      field("configs", self.configs, since(5), nullable(), ignorable);
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<Topic> topics{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms, since(2), ignorable);
    field("topics", self.topics);
  }
};

}  // namespace millrace::protocol
