// LeaveGroup (key 13): members leave a group. Many members, also static ones (v3, KIP-345), reason (v5, KIP-800).
#pragma once

#include <cstdint>

#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct LeaveGroupResponse;

struct LeaveGroupRequest {
  static constexpr ApiKey api_key = ApiKey::leave_group;
  static constexpr Versions versions{0, 5};
  static constexpr Version flexible_since = 4;
  using Response = LeaveGroupResponse;

  struct Member {
    String member_id{};
    NullableString group_instance_id{};
    NullableString reason{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("member_id", self.member_id);
      field("group_instance_id", self.group_instance_id, nullable());
      field("reason", self.reason, since(5), nullable(), ignorable);
    }
  };

  String group_id{};
  String member_id{};
  Array<Member> members{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("group_id", self.group_id);
    field("member_id", self.member_id, between(0, 2));
    field("members", self.members, since(3));
  }
};

struct LeaveGroupResponse {
  using Request = LeaveGroupRequest;

  struct Member {
    String member_id{};
    NullableString group_instance_id = "";
    ErrorCode error_code{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("member_id", self.member_id);
      field("group_instance_id", self.group_instance_id, nullable());
      field("error_code", self.error_code);
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code{};
  Array<Member> members{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms, since(1), ignorable);
    field("error_code", self.error_code);
    field("members", self.members, since(3));
  }
};

}  // namespace millrace::protocol
