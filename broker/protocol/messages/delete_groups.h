// DeleteGroups (key 42): empty groups and their offsets are gone (KIP-229).
#pragma once

#include <cstdint>

#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct DeleteGroupsResponse;

struct DeleteGroupsRequest {
  static constexpr ApiKey api_key = ApiKey::delete_groups;
  static constexpr Versions versions{0, 2};
  static constexpr Version flexible_since = 2;
  using Response = DeleteGroupsResponse;

  Array<String> groups_names{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("groups_names", self.groups_names);
  }
};

struct DeleteGroupsResponse {
  using Request = DeleteGroupsRequest;

  struct Group {
    String group_id{};
    ErrorCode error_code{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("group_id", self.group_id);
      field("error_code", self.error_code);
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<Group> results{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("results", self.results);
  }
};

}  // namespace millrace::protocol
