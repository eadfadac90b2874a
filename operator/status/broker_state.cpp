#include "operator/status/broker_state.h"

#include <array>
#include <nlohmann/json.hpp>
#include <optional>

namespace millrace::status {

using Json = nlohmann::json;

namespace {

constexpr std::size_t words_max = 600;

const Json& child(const Json& object, const char* name) {
  static const Json nothing;
  if (!object.is_object()) return nothing;
  auto found = object.find(name);
  return found == object.end() ? nothing : *found;
}

std::string text(const Json& object, const char* name) {
  const Json& value = child(object, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}

const Json& pod_condition(const Json& pod, std::string_view type) {
  static const Json nothing;
  for (const auto& condition : child(child(pod, "status"), "conditions")) {
    if (text(condition, "type") == type) return condition;
  }
  return nothing;
}

// The end of what a container said last: the reason stands there.
std::string last_words(std::string said) {
  while (!said.empty() && (said.back() == '\n' || said.back() == ' ')) said.pop_back();
  if (said.size() > words_max) said = "…" + said.substr(said.size() - words_max);
  return said;
}

std::string ended(const Json& terminated) {
  const Json& code = child(terminated, "exitCode");
  std::string why = text(terminated, "reason");
  std::string sentence = why == "OOMKilled" ? "it was ended because it used more memory than its limit"
                                            : "it ended with exit code " + (code.is_number() ? code.dump() : std::string("?"));
  auto said = last_words(text(terminated, "message"));
  return said.empty() ? sentence : sentence + ": " + said;
}

constexpr std::array<std::string_view, 7> lasting_reasons = {
    "CrashLoopBackOff",           "ErrImagePull",         "ImagePullBackOff", "InvalidImageName",
    "CreateContainerConfigError", "CreateContainerError", "RunContainerError"};

std::optional<BrokerCondition> judge_container(const Json& container) {
  const Json& state = child(container, "state");
  const Json& waiting = child(state, "waiting");
  const Json& before = child(child(container, "lastState"), "terminated");
  if (waiting.is_object()) {
    auto reason = text(waiting, "reason");
    for (auto lasting : lasting_reasons) {
      if (reason != lasting) continue;
      if (before.is_object()) return BrokerCondition{BrokerState::failing, ended(before)};
      auto message = text(waiting, "message");
      return BrokerCondition{BrokerState::failing, reason + (message.empty() ? "" : ": " + message)};
    }
    return std::nullopt;
  }
  const Json& terminated = child(state, "terminated");
  if (terminated.is_object()) return BrokerCondition{BrokerState::failing, ended(terminated)};
  if (before.is_object()) return BrokerCondition{BrokerState::starting, "it starts again after " + ended(before)};
  return std::nullopt;
}

}  // namespace

std::string_view to_string(BrokerState state) {
  switch (state) {
    case BrokerState::pending: return "Pending";
    case BrokerState::starting: return "Starting";
    case BrokerState::running: return "Running";
    case BrokerState::stopping: return "Stopping";
    case BrokerState::failing: return "Failing";
    case BrokerState::unreachable: return "Unreachable";
  }
  return "Pending";
}

BrokerCondition judge_pod(const Json& pod) {
  const Json& ready = pod_condition(pod, "Ready");
  auto node = text(child(pod, "spec"), "nodeName");
  if (text(ready, "status") == "Unknown" || text(child(pod, "status"), "reason") == "NodeLost") {
    return {BrokerState::unreachable, "node " + node + " does not answer; its broker is left alone until the node is back or gone"};
  }
  if (child(child(pod, "metadata"), "deletionTimestamp").is_string()) return {BrokerState::stopping, ""};
  if (text(ready, "status") == "True") return {BrokerState::running, ""};
  if (node.empty()) {
    const Json& scheduled = pod_condition(pod, "PodScheduled");
    auto message = text(scheduled, "message");
    return {BrokerState::pending, message.empty() ? "its pod waits for a node" : "no node takes its pod: " + message};
  }
  for (const auto& container : child(child(pod, "status"), "containerStatuses")) {
    if (auto judged = judge_container(container)) return *judged;
  }
  auto phase = text(child(pod, "status"), "phase");
  if (phase == "Failed") {
    auto message = text(child(pod, "status"), "message");
    return {BrokerState::failing, "its pod failed: " + (message.empty() ? text(child(pod, "status"), "reason") : message)};
  }
  if (phase == "Pending") return {BrokerState::pending, "node " + node + " is preparing its volumes and image"};
  return {BrokerState::starting, "it does not serve yet"};
}

}  // namespace millrace::status
