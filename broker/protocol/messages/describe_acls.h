// DescribeAcls (key 29): the ACLs that a filter matches (KIP-140). Resource pattern types (v1, KIP-290), users as
// resources (v3, KIP-373).
#pragma once

#include <cstdint>

#include "broker/protocol/acl.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct DescribeAclsResponse;

struct DescribeAclsRequest {
  static constexpr ApiKey api_key = ApiKey::describe_acls;
  static constexpr Versions versions{0, 3};
  static constexpr Version flexible_since = 2;
  using Response = DescribeAclsResponse;

  AclResourceType resource_type_filter{};
  NullableString resource_name_filter = "";
  AclPatternType pattern_type_filter = AclPatternType::literal;
  NullableString principal_filter = "";
  NullableString host_filter = "";
  AclOperation operation{};
  AclPermission permission_type{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("resource_type_filter", self.resource_type_filter);
    field("resource_name_filter", self.resource_name_filter, nullable());
    field("pattern_type_filter", self.pattern_type_filter, since(1));
    field("principal_filter", self.principal_filter, nullable());
    field("host_filter", self.host_filter, nullable());
    field("operation", self.operation);
    field("permission_type", self.permission_type);
  }
};

struct DescribeAclsResponse {
  using Request = DescribeAclsRequest;

  struct Resource {
    struct Acl {
      String principal{};
      String host{};
      AclOperation operation{};
      AclPermission permission_type{};

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("principal", self.principal);
        field("host", self.host);
        field("operation", self.operation);
        field("permission_type", self.permission_type);
      }
    };

    AclResourceType resource_type{};
    String resource_name{};
    AclPatternType pattern_type = AclPatternType::literal;
    Array<Acl> acls{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("resource_type", self.resource_type);
      field("resource_name", self.resource_name);
      field("pattern_type", self.pattern_type, since(1));
      field("acls", self.acls);
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code{};
  NullableString error_message = "";
  Array<Resource> resources{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("error_code", self.error_code);
    field("error_message", self.error_message, nullable());
    field("resources", self.resources);
  }
};

}  // namespace millrace::protocol
