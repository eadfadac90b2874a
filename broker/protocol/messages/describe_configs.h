// DescribeConfigs (key 32). KIP-133; KIP-226 synonyms and sources (v1), KIP-569 types and documentation (v3).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/config_resource.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct DescribeConfigsResponse;

struct DescribeConfigsRequest {
  static constexpr ApiKey api_key = ApiKey::describe_configs;
  static constexpr Versions versions{0, 4};
  static constexpr Version flexible_since = 4;
  using Response = DescribeConfigsResponse;

  struct Resource {
    ConfigResourceType resource_type{};
    String resource_name{};
    NullableArray<String> configuration_keys{std::in_place};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("resource_type", self.resource_type);
      field("resource_name", self.resource_name);
      field("configuration_keys", self.configuration_keys, nullable());
    }
  };

  Array<Resource> resources{};
  bool include_synonyms = false;
  bool include_documentation = false;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("resources", self.resources);
    field("include_synonyms", self.include_synonyms, since(1));
    field("include_documentation", self.include_documentation, since(3));
  }
};

struct DescribeConfigsResponse {
  using Request = DescribeConfigsRequest;

  struct Resource {
    struct Config {
      struct Synonym {
        String name{};
        NullableString value = "";
        ConfigSource source{};

        template <class Self, class Fields>
        static void describe(Self& self, Fields& field) {
          field("name", self.name);
          field("value", self.value, nullable());
          field("source", self.source);
        }
      };

      String name{};
      NullableString value = "";
      bool read_only = false;
      bool is_default = false;
      ConfigSource config_source = ConfigSource::absent;
      bool is_sensitive = false;
      Array<Synonym> synonyms{};
      ConfigType config_type{};
      NullableString documentation = "";

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("name", self.name);
        field("value", self.value, nullable());
        field("read_only", self.read_only);
        field("is_default", self.is_default, between(0, 0));
        field("config_source", self.config_source, since(1), ignorable);
        field("is_sensitive", self.is_sensitive);
        field("synonyms", self.synonyms, since(1), ignorable);
        field("config_type", self.config_type, since(3), ignorable);
        field("documentation", self.documentation, since(3), nullable(), ignorable);
      }
    };

    ErrorCode error_code{};
    NullableString error_message = "";
    ConfigResourceType resource_type{};
    String resource_name{};
    Array<Config> configs{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("error_code", self.error_code);
      field("error_message", self.error_message, nullable());
      field("resource_type", self.resource_type);
      field("resource_name", self.resource_name);
      field("configs", self.configs);
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<Resource> results{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("results", self.results);
  }
};

}  // namespace millrace::protocol
