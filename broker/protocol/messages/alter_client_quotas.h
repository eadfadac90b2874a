// AlterClientQuotas (key 49): changes of quotas of users, client ids and addresses (KIP-546).
#pragma once

#include <cstdint>

#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct AlterClientQuotasResponse;

struct AlterClientQuotasRequest {
  static constexpr ApiKey api_key = ApiKey::alter_client_quotas;
  static constexpr Versions versions{0, 1};
  static constexpr Version flexible_since = 1;
  using Response = AlterClientQuotasResponse;

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

    struct Operation {
      String key{};
      double value = 0;
      bool remove = false;

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("key", self.key);
        field("value", self.value);
        field("remove", self.remove);
      }
    };

    Array<Entity> entity{};
    Array<Operation> ops{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("entity", self.entity);
      field("ops", self.ops);
    }
  };

  Array<Entry> entries{};
  bool validate_only = false;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("entries", self.entries);
    field("validate_only", self.validate_only);
  }
};

struct AlterClientQuotasResponse {
  using Request = AlterClientQuotasRequest;

  struct Entry {
    struct Entity {
      String entity_type{};
      NullableString entity_name = "";

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("entity_type", self.entity_type);
        field("entity_name", self.entity_name, nullable());
      }
    };

    ErrorCode error_code{};
    NullableString error_message = "";
    Array<Entity> entity{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("error_code", self.error_code);
      field("error_message", self.error_message, nullable());
      field("entity", self.entity);
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<Entry> entries{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("entries", self.entries);
  }
};

}  // namespace millrace::protocol
