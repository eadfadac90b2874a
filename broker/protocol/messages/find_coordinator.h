// FindCoordinator (key 10): the broker that coordinates a group or a transactional id. Key types (v1, KIP-98),
// many keys at once (v4, KIP-699), share groups (v6, KIP-932).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

enum class CoordinatorType : std::int8_t {
  group = 0,
  transaction = 1,
  share = 2,
};

struct FindCoordinatorResponse;

struct FindCoordinatorRequest {
  static constexpr ApiKey api_key = ApiKey::find_coordinator;
  static constexpr Versions versions{0, 6};
  static constexpr Version flexible_since = 3;
  using Response = FindCoordinatorResponse;

  String key{};
  CoordinatorType key_type{};
  Array<String> coordinator_keys{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("key", self.key, between(0, 3));
    field("key_type", self.key_type, since(1));
    field("coordinator_keys", self.coordinator_keys, since(4));
  }
};

struct FindCoordinatorResponse {
  using Request = FindCoordinatorRequest;

  struct Coordinator {
    String key{};
    BrokerId node_id{};
    String host{};
    std::int32_t port = 0;
    ErrorCode error_code{};
    NullableString error_message = "";

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("key", self.key);
      field("node_id", self.node_id);
      field("host", self.host);
      field("port", self.port);
      field("error_code", self.error_code);
      field("error_message", self.error_message, nullable());
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code{};
  NullableString error_message = "";
  BrokerId node_id{};
  String host{};
  std::int32_t port = 0;
  Array<Coordinator> coordinators{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms, since(1), ignorable);
    field("error_code", self.error_code, between(0, 3));
    field("error_message", self.error_message, between(1, 3), nullable(), ignorable);
    field("node_id", self.node_id, between(0, 3));
    field("host", self.host, between(0, 3));
    field("port", self.port, between(0, 3));
    field("coordinators", self.coordinators, since(4));
  }
};

}  // namespace millrace::protocol
