// /cluster/id: the cluster's id, 22 characters of base64, written once. Source: kafka.zk.ClusterIdZNode.
// /feature: finalized features; of a ZooKeeper cluster none. Source: kafka.zk.FeatureZNode.
#pragma once

#include <string>
#include <string_view>

#include "broker/base/result.h"

namespace millrace::metadata::znodes {

std::string encode_cluster_id(std::string_view cluster_id);
Result<std::string> decode_cluster_id(std::string_view payload);

// No finalized feature, enabled.
std::string encode_no_features();

}  // namespace millrace::metadata::znodes
