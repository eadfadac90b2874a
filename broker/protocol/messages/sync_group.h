// SyncGroup (key 14): the leader hands in the assignment, every member gets its own. Static members (v3,
// KIP-345), protocol type and name (v5, KIP-559).
#pragma once

#include <cstdint>

#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct SyncGroupResponse;

struct SyncGroupRequest {
  static constexpr ApiKey api_key = ApiKey::sync_group;
  static constexpr Versions versions{0, 5};
  static constexpr Version flexible_since = 4;
  using Response = SyncGroupResponse;

  struct Assignment {
    String member_id{};
    Bytes assignment{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("member_id", self.member_id);
      field("assignment", self.assignment);
    }
  };

  String group_id{};
  std::int32_t generation_id = 0;
  String member_id{};
  NullableString group_instance_id{};
  NullableString protocol_type{};
  NullableString protocol_name{};
  Array<Assignment> assignments{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("group_id", self.group_id);
    field("generation_id", self.generation_id);
    field("member_id", self.member_id);
    field("group_instance_id", self.group_instance_id, since(3), nullable());
    field("protocol_type", self.protocol_type, since(5), nullable(), ignorable);
    field("protocol_name", self.protocol_name, since(5), nullable(), ignorable);
    field("assignments", self.assignments);
  }
};

struct SyncGroupResponse {
  using Request = SyncGroupRequest;

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code{};
  NullableString protocol_type{};
  NullableString protocol_name{};
  Bytes assignment{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms, since(1), ignorable);
    field("error_code", self.error_code);
    field("protocol_type", self.protocol_type, since(5), nullable(), ignorable);
    field("protocol_name", self.protocol_name, since(5), nullable(), ignorable);
    field("assignment", self.assignment);
  }
};

}  // namespace millrace::protocol
