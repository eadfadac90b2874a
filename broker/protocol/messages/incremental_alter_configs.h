// IncrementalAlterConfigs (key 44): changes of single dynamic configs (KIP-339).
#pragma once

#include <cstdint>

#include "broker/protocol/api_key.h"
#include "broker/protocol/config_resource.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct IncrementalAlterConfigsResponse;

struct IncrementalAlterConfigsRequest {
  static constexpr ApiKey api_key = ApiKey::incremental_alter_configs;
  static constexpr Versions versions{0, 1};
  static constexpr Version flexible_since = 1;
  using Response = IncrementalAlterConfigsResponse;

  struct Resource {
    struct Config {
      String name{};
      ConfigOperation config_operation{};
      NullableString value = "";

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("name", self.name);
        field("config_operation", self.config_operation);
        field("value", self.value, nullable(), secret);
      }
    };

    ConfigResourceType resource_type{};
    String resource_name{};
    Array<Config> configs{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("resource_type", self.resource_type);
      field("resource_name", self.resource_name);
      field("configs", self.configs);
    }
  };

  Array<Resource> resources{};
  bool validate_only = false;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("resources", self.resources);
    field("validate_only", self.validate_only);
  }
};

struct IncrementalAlterConfigsResponse {
  using Request = IncrementalAlterConfigsRequest;

  struct Resource {
    ErrorCode error_code{};
    NullableString error_message = "";
    ConfigResourceType resource_type{};
    String resource_name{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("error_code", self.error_code);
      field("error_message", self.error_message, nullable());
      field("resource_type", self.resource_type);
      field("resource_name", self.resource_name);
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<Resource> responses{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("responses", self.responses);
  }
};

}  // namespace millrace::protocol
