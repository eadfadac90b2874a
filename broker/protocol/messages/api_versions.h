// ApiVersions (key 18): which APIs and versions the broker serves. KIP-35; KIP-511 client name and version (v3); KIP-584
// features (v3).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct ApiVersionsResponse;

struct ApiVersionsRequest {
  static constexpr ApiKey api_key = ApiKey::api_versions;
  static constexpr Versions versions{0, 4};
  static constexpr Version flexible_since = 3;
  using Response = ApiVersionsResponse;

  String client_software_name{};
  String client_software_version{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("client_software_name", self.client_software_name, since(3), ignorable);
    field("client_software_version", self.client_software_version, since(3), ignorable);
  }
};

struct ApiVersionsResponse {
  using Request = ApiVersionsRequest;

  struct Api {
    ApiKey api_key{};
    Version min_version = 0;
    Version max_version = 0;

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("api_key", self.api_key);
      field("min_version", self.min_version);
      field("max_version", self.max_version);
    }
  };

  struct SupportedFeature {
    String name{};
    Version min_version = 0;
    Version max_version = 0;

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name);
      field("min_version", self.min_version);
      field("max_version", self.max_version);
    }
  };

  struct FinalizedFeature {
    String name{};
    std::int16_t max_version_level = 0;
    std::int16_t min_version_level = 0;

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name);
      field("max_version_level", self.max_version_level);
      field("min_version_level", self.min_version_level);
    }
  };

  ErrorCode error_code{};
  Array<Api> api_keys{};
  std::int32_t throttle_time_ms = 0;
  Array<SupportedFeature> supported_features{};
  std::int64_t finalized_features_epoch = -1;
  Array<FinalizedFeature> finalized_features{};
  bool zk_migration_ready = false;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("error_code", self.error_code);
    field("api_keys", self.api_keys);
    field("throttle_time_ms", self.throttle_time_ms, since(1), ignorable);
    field("supported_features", self.supported_features, since(3), tag(0), ignorable);
    field("finalized_features_epoch", self.finalized_features_epoch, since(3), tag(1), ignorable);
    field("finalized_features", self.finalized_features, since(3), tag(2), ignorable);
    field("zk_migration_ready", self.zk_migration_ready, since(3), tag(3), ignorable);
  }
};

}  // namespace millrace::protocol
