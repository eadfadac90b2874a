// Heartbeat (key 12): a member is alive. Static members (v3, KIP-345).
#pragma once

#include <cstdint>

#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct HeartbeatResponse;

struct HeartbeatRequest {
  static constexpr ApiKey api_key = ApiKey::heartbeat;
  static constexpr Versions versions{0, 4};
  static constexpr Version flexible_since = 4;
  using Response = HeartbeatResponse;

  String group_id{};
  std::int32_t generation_id = 0;
  String member_id{};
  NullableString group_instance_id{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("group_id", self.group_id);
    field("generation_id", self.generation_id);
    field("member_id", self.member_id);
    field("group_instance_id", self.group_instance_id, since(3), nullable());
  }
};

struct HeartbeatResponse {
  using Request = HeartbeatRequest;

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms, since(1), ignorable);
    field("error_code", self.error_code);
  }
};

}  // namespace millrace::protocol
