// DeleteTopics (key 20). KIP-482 (v4), KIP-599 error messages and throttling (v5), KIP-516 by topic id (v6).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct DeleteTopicsResponse;

struct DeleteTopicsRequest {
  static constexpr ApiKey api_key = ApiKey::delete_topics;
  static constexpr Versions versions{0, 6};
  static constexpr Version flexible_since = 4;
  using Response = DeleteTopicsResponse;

  struct Topic {
    NullableString name{};
    TopicId topic_id{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name, nullable());
      field("topic_id", self.topic_id);
    }
  };

  Array<Topic> topics{};
  Array<String> topic_names{};
  std::int32_t timeout_ms = 0;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("topics", self.topics, since(6));
    field("topic_names", self.topic_names, between(0, 5), ignorable);
    field("timeout_ms", self.timeout_ms);
  }
};

struct DeleteTopicsResponse {
  using Request = DeleteTopicsRequest;

  struct Topic {
    NullableString name = "";
    TopicId topic_id{};
    ErrorCode error_code{};
    NullableString error_message{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name, nullable(6));
      field("topic_id", self.topic_id, since(6), ignorable);
      field("error_code", self.error_code);
      field("error_message", self.error_message, since(5), nullable(), ignorable);
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<Topic> responses{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms, since(1), ignorable);
    field("responses", self.responses);
  }
};

}  // namespace millrace::protocol
