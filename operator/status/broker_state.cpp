#include "operator/status/broker_state.h"

#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "operator/api/json_access.h"
#include "operator/status/condition.h"
#include "operator/status/text_limit.h"

namespace millrace::status {

using Json = nlohmann::json;
using api::json_at;
using api::text_at;

namespace {

constexpr std::size_t words_max = 600;

// What a kubelet may need beyond the grace period, after which deletionTimestamp is, to end a pod and say so.
constexpr std::int64_t deletion_slack_ms = 30'000;

const Json& condition_of(const Json& object, std::string_view type) {
  static const Json nothing;
  for (const auto& condition : json_at(object, {"status", "conditions"})) {
    if (text_at(condition, {"type"}) == type) return condition;
  }
  return nothing;
}

bool is_ready(const Json& pod) { return text_at(condition_of(pod, "Ready"), {"status"}) == "True"; }

bool looks_abandoned(const Json& pod, TimestampMs now) {
  auto ready = text_at(condition_of(pod, "Ready"), {"status"});
  if (ready == "Unknown" || text_at(pod, {"status", "reason"}) == "NodeLost") return true;
  if (ready == "False" && text_at(condition_of(pod, "ContainersReady"), {"status"}) == "True") return true;
  auto ends = parse_rfc3339(text_at(pod, {"metadata", "deletionTimestamp"}));
  return ends && now.value() > ends->value() + deletion_slack_ms;
}

// The end of what a container said last: the reason stands there.
std::string last_words(std::string said) {
  while (!said.empty() && (said.back() == '\n' || said.back() == ' ')) said.pop_back();
  return said.size() > words_max ? "…" + keep_last(std::move(said), words_max) : said;
}

std::string ended(const Json& terminated) {
  const Json& code = json_at(terminated, {"exitCode"});
  std::string why = text_at(terminated, {"reason"});
  std::string sentence = why == "OOMKilled"
                             ? "it was ended because it used more memory than its limit"
                             : "it ended with exit code " + (code.is_number() ? code.dump() : std::string("?"));
  auto said = last_words(text_at(terminated, {"message"}));
  return said.empty() ? sentence : sentence + ": " + said;
}

constexpr std::array<std::string_view, 7> lasting_reasons = {
    "CrashLoopBackOff",           "ErrImagePull",         "ImagePullBackOff", "InvalidImageName",
    "CreateContainerConfigError", "CreateContainerError", "RunContainerError"};

std::optional<BrokerCondition> judge_container(const Json& container) {
  const Json& state = json_at(container, {"state"});
  const Json& waiting = json_at(state, {"waiting"});
  const Json& before = json_at(container, {"lastState", "terminated"});
  if (waiting.is_object()) {
    auto reason = text_at(waiting, {"reason"});
    for (auto lasting : lasting_reasons) {
      if (reason != lasting) continue;
      if (before.is_object()) return BrokerCondition{BrokerState::failing, ended(before)};
      auto message = text_at(waiting, {"message"});
      return BrokerCondition{BrokerState::failing, reason + (message.empty() ? "" : ": " + message)};
    }
    return std::nullopt;
  }
  const Json& terminated = json_at(state, {"terminated"});
  if (terminated.is_object()) return BrokerCondition{BrokerState::failing, ended(terminated)};
  if (before.is_object()) return BrokerCondition{BrokerState::starting, "it starts again after " + ended(before)};
  return std::nullopt;
}

}  // namespace

std::string_view to_string(BrokerState state) {
  switch (state) {
    case BrokerState::pending:
      return "Pending";
    case BrokerState::starting:
      return "Starting";
    case BrokerState::running:
      return "Running";
    case BrokerState::stopping:
      return "Stopping";
    case BrokerState::failing:
      return "Failing";
    case BrokerState::unreachable:
      return "Unreachable";
  }
  return "Pending";
}

NodeState judge_node(const Json& node) {
  auto ready = text_at(condition_of(node, "Ready"), {"status"});
  if (ready.empty()) return NodeState::unknown;
  return ready == "True" ? NodeState::answering : NodeState::silent;
}

bool serves(const Json& pod) { return is_ready(pod) && !api::is_being_deleted(pod); }

BrokerCondition judge_pod(const Json& pod, NodeState node_state, TimestampMs now) {
  auto node = text_at(pod, {"spec", "nodeName"});
  if (serves(pod)) return {BrokerState::running, ""};
  if (node_state == NodeState::gone)
    return {BrokerState::unreachable, "node " + node + " is gone from the Kubernetes cluster"};
  if (node_state == NodeState::silent || (node_state == NodeState::unknown && looks_abandoned(pod, now))) {
    return {BrokerState::unreachable,
            "node " + node + " does not answer; its broker is left alone until the node is back or gone"};
  }
  if (api::is_being_deleted(pod)) return {BrokerState::stopping, ""};
  if (node.empty()) {
    const Json& scheduled = condition_of(pod, "PodScheduled");
    auto message = text_at(scheduled, {"message"});
    return {BrokerState::pending, message.empty() ? "its pod waits for a node" : "no node takes its pod: " + message};
  }
  for (const auto& container : json_at(pod, {"status", "containerStatuses"})) {
    if (auto judged = judge_container(container)) return *judged;
  }
  auto phase = text_at(pod, {"status", "phase"});
  if (phase == "Failed") {
    auto message = text_at(pod, {"status", "message"});
    return {BrokerState::failing,
            "its pod failed: " + (message.empty() ? text_at(pod, {"status", "reason"}) : message)};
  }
  if (phase == "Pending") return {BrokerState::pending, "node " + node + " is preparing its volumes and image"};
  return {BrokerState::starting, "it does not serve yet"};
}

}  // namespace millrace::status
