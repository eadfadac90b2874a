// What must be remembered about a cluster for as long as its records exist: its id, and every broker id that was ever given out
// with the volumes that were made for it. Kept in a ConfigMap owned by the KafkaCluster and by the claims, so that the garbage
// collector removes it with the last of them, and a cluster that is created again finds it with the claims.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "broker/base/result.h"
#include "broker/base/types.h"
#include "operator/api/kafka_cluster.h"

namespace millrace::resources {

struct FoundingRecord {
  struct Member {
    std::string pool;
    // Volumes whose claim was made: a claim that is missing afterwards is a loss, and never made again in silence.
    std::set<std::string> volumes;

    friend bool operator==(const Member&, const Member&) = default;
  };

  std::string cluster_id;
  std::map<BrokerId, Member> brokers;  // an id that was once used stays

  friend bool operator==(const FoundingRecord&, const FoundingRecord&) = default;
};

struct ClaimOwner {
  std::string name;
  std::string uid;
};

[[nodiscard]] nlohmann::json founding_config_map(const api::KafkaCluster& cluster, const FoundingRecord& record,
                                                 const std::vector<ClaimOwner>& claims);
// ErrorKind::corrupt says what in the ConfigMap is not as it was written.
[[nodiscard]] Result<FoundingRecord> parse_founding_config_map(const nlohmann::json& config_map);

}  // namespace millrace::resources
