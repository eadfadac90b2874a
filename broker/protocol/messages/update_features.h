// UpdateFeatures (key 57): finalized features of the cluster (KIP-584). Kinds of upgrade and dry run (v1,
// KIP-778).
#pragma once

#include <cstdint>

#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

enum class FeatureUpgrade : std::int8_t {
  unknown = 0,
  upgrade = 1,
  safe_downgrade = 2,
  unsafe_downgrade = 3,
};

struct UpdateFeaturesResponse;

struct UpdateFeaturesRequest {
  static constexpr ApiKey api_key = ApiKey::update_features;
  static constexpr Versions versions{0, 1};
  static constexpr Version flexible_since = 0;
  using Response = UpdateFeaturesResponse;

  struct FeatureUpdate {
    String feature{};
    std::int16_t max_version_level = 0;  // below 1: removes the feature
    bool allow_downgrade = false;
    FeatureUpgrade upgrade_type = FeatureUpgrade::upgrade;

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("feature", self.feature);
      field("max_version_level", self.max_version_level);
      field("allow_downgrade", self.allow_downgrade, between(0, 0));
      field("upgrade_type", self.upgrade_type, since(1));
    }
  };

  std::int32_t timeout_ms = 60000;
  Array<FeatureUpdate> feature_updates{};
  bool validate_only = false;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("timeout_ms", self.timeout_ms);
    field("feature_updates", self.feature_updates);
    field("validate_only", self.validate_only, since(1));
  }
};

struct UpdateFeaturesResponse {
  using Request = UpdateFeaturesRequest;

  struct Feature {
    String feature{};
    ErrorCode error_code{};
    NullableString error_message = "";

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("feature", self.feature);
      field("error_code", self.error_code);
      field("error_message", self.error_message, nullable());
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code{};
  NullableString error_message = "";
  Array<Feature> results{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("error_code", self.error_code);
    field("error_message", self.error_message, nullable());
    field("results", self.results);
  }
};

}  // namespace millrace::protocol
