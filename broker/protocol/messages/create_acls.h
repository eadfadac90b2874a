// CreateAcls (key 30): new ACLs (KIP-140). Resource pattern types (v1, KIP-290), users as resources (v3,
// KIP-373).
#pragma once

#include <cstdint>

#include "broker/protocol/acl.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct CreateAclsResponse;

struct CreateAclsRequest {
  static constexpr ApiKey api_key = ApiKey::create_acls;
  static constexpr Versions versions{0, 3};
  static constexpr Version flexible_since = 2;
  using Response = CreateAclsResponse;

  struct Creation {
    AclResourceType resource_type{};
    String resource_name{};
    AclPatternType resource_pattern_type = AclPatternType::literal;
    String principal{};
    String host{};
    AclOperation operation{};
    AclPermission permission_type{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("resource_type", self.resource_type);
      field("resource_name", self.resource_name);
      field("resource_pattern_type", self.resource_pattern_type, since(1));
      field("principal", self.principal);
      field("host", self.host);
      field("operation", self.operation);
      field("permission_type", self.permission_type);
    }
  };

  Array<Creation> creations{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("creations", self.creations);
  }
};

struct CreateAclsResponse {
  using Request = CreateAclsRequest;

  struct CreationResult {
    ErrorCode error_code{};
    NullableString error_message = "";

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("error_code", self.error_code);
      field("error_message", self.error_message, nullable());
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<CreationResult> results{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("results", self.results);
  }
};

}  // namespace millrace::protocol
