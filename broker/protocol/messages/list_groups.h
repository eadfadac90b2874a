// ListGroups (key 16): the groups that a broker coordinates. States (v4, KIP-518), types (v5, KIP-848).
#pragma once

#include <cstdint>

#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct ListGroupsResponse;

struct ListGroupsRequest {
  static constexpr ApiKey api_key = ApiKey::list_groups;
  static constexpr Versions versions{0, 5};
  static constexpr Version flexible_since = 3;
  using Response = ListGroupsResponse;

  Array<String> states_filter{};
  Array<String> types_filter{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("states_filter", self.states_filter, since(4));
    field("types_filter", self.types_filter, since(5));
  }
};

struct ListGroupsResponse {
  using Request = ListGroupsRequest;

  struct Group {
    String group_id{};
    String protocol_type{};
    String group_state{};
    String group_type{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("group_id", self.group_id);
      field("protocol_type", self.protocol_type);
      field("group_state", self.group_state, since(4), ignorable);
      field("group_type", self.group_type, since(5), ignorable);
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code{};
  Array<Group> groups{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms, since(1), ignorable);
    field("error_code", self.error_code);
    field("groups", self.groups);
  }
};

}  // namespace millrace::protocol
