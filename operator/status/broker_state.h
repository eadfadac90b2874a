// What a broker's pod is doing, in one word and, where there is something to say, in a sentence that a person can act
// on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "broker/base/types.h"

namespace millrace::status {

enum class BrokerState : std::uint8_t {
  pending,      // no pod yet, or none that a node runs
  starting,     // runs, does not serve yet
  running,      // serves
  stopping,     // its pod is going
  failing,      // cannot start, or ends again and again
  unreachable,  // its node no longer answers: it may or may not serve
};

[[nodiscard]] std::string_view to_string(BrokerState state);

struct BrokerCondition {
  BrokerState state = BrokerState::pending;
  std::string message;
};

// A node as the node controller sees it. Nobody but it knows of a node's death: the kubelet that reports on pods has
// died with it.
enum class NodeState : std::uint8_t {
  unknown,  // it may not be read
  answering,
  silent,
  gone,  // removed from the Kubernetes cluster
};

[[nodiscard]] NodeState judge_node(const nlohmann::json& node);

// Ready, and not on its way out.
[[nodiscard]] bool serves(const nlohmann::json& pod);

// `pod` as the API server has it, and its node. Where that is unknown, what the death of a node leaves on a pod has to
// do: the node controller sets Ready to False while the containers still count as ready (MarkPodsNotReady), and a
// deletion does not come to its end.
[[nodiscard]] BrokerCondition judge_pod(const nlohmann::json& pod, NodeState node, TimestampMs now);

}  // namespace millrace::status
