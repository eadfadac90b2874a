// DescribeGroups (key 15): state and members of groups. Authorized operations (v3, KIP-430), static members (v4,
// KIP-345), GROUP_ID_NOT_FOUND with words (v6, KIP-1043).
#pragma once

#include <cstdint>

#include "broker/protocol/api_key.h"
#include "broker/protocol/authorized_operations.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct DescribeGroupsResponse;

struct DescribeGroupsRequest {
  static constexpr ApiKey api_key = ApiKey::describe_groups;
  static constexpr Versions versions{0, 6};
  static constexpr Version flexible_since = 5;
  using Response = DescribeGroupsResponse;

  Array<String> groups{};
  bool include_authorized_operations = false;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("groups", self.groups);
    field("include_authorized_operations", self.include_authorized_operations, since(3));
  }
};

struct DescribeGroupsResponse {
  using Request = DescribeGroupsRequest;

  struct Group {
    struct Member {
      String member_id{};
      NullableString group_instance_id{};
      String client_id{};
      String client_host{};
      Bytes member_metadata{};
      Bytes member_assignment{};

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("member_id", self.member_id);
        field("group_instance_id", self.group_instance_id, since(4), nullable(), ignorable);
        field("client_id", self.client_id);
        field("client_host", self.client_host);
        field("member_metadata", self.member_metadata);
        field("member_assignment", self.member_assignment);
      }
    };

    ErrorCode error_code{};
    NullableString error_message{};
    String group_id{};
    String group_state{};
    String protocol_type{};
    String protocol_data{};
    Array<Member> members{};
    std::int32_t authorized_operations = authorized_operations_omitted;

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("error_code", self.error_code);
      field("error_message", self.error_message, since(6), nullable());
      field("group_id", self.group_id);
      field("group_state", self.group_state);
      field("protocol_type", self.protocol_type);
      field("protocol_data", self.protocol_data);
      field("members", self.members);
      field("authorized_operations", self.authorized_operations, since(3));
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<Group> groups{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms, since(1), ignorable);
    field("groups", self.groups);
  }
};

}  // namespace millrace::protocol
