// DescribeClientQuotas (key 48): the quotas of users, client ids and addresses that a filter matches (KIP-546).
#pragma once

#include <cstdint>
#include <utility>

#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

// How a filter's component is compared with an entity.
enum class QuotaMatch : std::int8_t {
  exact = 0,         // the name of `match`
  default_name = 1,  // the entity that stands for all without one of their own
  any_name = 2,
};

struct DescribeClientQuotasResponse;

struct DescribeClientQuotasRequest {
  static constexpr ApiKey api_key = ApiKey::describe_client_quotas;
  static constexpr Versions versions{0, 1};
  static constexpr Version flexible_since = 1;
  using Response = DescribeClientQuotasResponse;

  struct Component {
    String entity_type{};
    QuotaMatch match_type{};
    NullableString match = "";

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("entity_type", self.entity_type);
      field("match_type", self.match_type);
      field("match", self.match, nullable());
    }
  };

  Array<Component> components{};
  bool strict = false;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("components", self.components);
    field("strict", self.strict);
  }
};

struct DescribeClientQuotasResponse {
  using Request = DescribeClientQuotasRequest;

  struct Entry {
    struct Entity {
      String entity_type{};
      NullableString entity_name = "";  // null: the default entity

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("entity_type", self.entity_type);
        field("entity_name", self.entity_name, nullable());
      }
    };

    struct Value {
      String key{};
      double value = 0;

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("key", self.key);
        field("value", self.value);
      }
    };

    Array<Entity> entity{};
    Array<Value> values{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("entity", self.entity);
      field("values", self.values);
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code{};
  NullableString error_message = "";
  NullableArray<Entry> entries{std::in_place};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("error_code", self.error_code);
    field("error_message", self.error_message, nullable());
    field("entries", self.entries, nullable());
  }
};

}  // namespace millrace::protocol
