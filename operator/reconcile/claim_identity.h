// What a claim says about itself: whose it is, by its labels and owners.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "broker/base/result.h"
#include "broker/base/types.h"
#include "operator/reconcile/cluster_context.h"

namespace millrace::reconcile {

struct ClaimIdentity {
  std::string cluster_id;
  std::string pool;
  BrokerId broker;
  std::string volume;
};

// ErrorKind::corrupt names the label that is missing or wrong.
[[nodiscard]] Result<ClaimIdentity> identify_claim(const nlohmann::json& claim, std::string_view cluster);

// The claim goes with an earlier cluster of this name: it is being deleted, or owned by a KafkaCluster that is no more.
[[nodiscard]] bool goes_with_an_earlier_cluster(const nlohmann::json& claim, const api::KafkaCluster& cluster);

}  // namespace millrace::reconcile
