// JoinGroup (key 11): a member enters a group or its next generation. Rebalance timeout (v1, KIP-62), member id
// required (v4, KIP-394), static members (v5, KIP-345), protocol type in the answer (v7, KIP-559), reason (v8,
// KIP-800), skipped assignment (v9, KIP-814).
#pragma once

#include <cstdint>

#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct JoinGroupResponse;

struct JoinGroupRequest {
  static constexpr ApiKey api_key = ApiKey::join_group;
  static constexpr Versions versions{0, 9};
  static constexpr Version flexible_since = 6;
  using Response = JoinGroupResponse;

  struct Protocol {
    String name{};
    Bytes metadata{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name);
      field("metadata", self.metadata);
    }
  };

  String group_id{};
  std::int32_t session_timeout_ms = 0;
  std::int32_t rebalance_timeout_ms = -1;
  String member_id{};
  NullableString group_instance_id{};
  String protocol_type{};
  Array<Protocol> protocols{};
  NullableString reason{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("group_id", self.group_id);
    field("session_timeout_ms", self.session_timeout_ms);
    field("rebalance_timeout_ms", self.rebalance_timeout_ms, since(1), ignorable);
    field("member_id", self.member_id);
    field("group_instance_id", self.group_instance_id, since(5), nullable());
    field("protocol_type", self.protocol_type);
    field("protocols", self.protocols);
    field("reason", self.reason, since(8), nullable(), ignorable);
  }
};

struct JoinGroupResponse {
  using Request = JoinGroupRequest;

  struct Member {
    String member_id{};
    NullableString group_instance_id{};
    Bytes metadata{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("member_id", self.member_id);
      field("group_instance_id", self.group_instance_id, since(5), nullable(), ignorable);
      field("metadata", self.metadata);
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code{};
  std::int32_t generation_id = -1;
  NullableString protocol_type{};
  NullableString protocol_name = "";
  String leader{};
  bool skip_assignment = false;
  String member_id{};
  Array<Member> members{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms, since(2), ignorable);
    field("error_code", self.error_code);
    field("generation_id", self.generation_id);
    field("protocol_type", self.protocol_type, since(7), nullable(), ignorable);
    field("protocol_name", self.protocol_name, nullable(7));
    field("leader", self.leader);
    field("skip_assignment", self.skip_assignment, since(9));
    field("member_id", self.member_id);
    field("members", self.members);
  }
};

}  // namespace millrace::protocol
