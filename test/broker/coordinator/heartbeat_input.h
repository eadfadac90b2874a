// Topics for groups of the new protocol, and what their members say and hear.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/coordinator/consumer_group_call.h"
#include "broker/coordinator/consumer_group_member.h"
#include "broker/coordinator/topic_directory.h"

namespace millrace::coordinator::test {

using protocol::ErrorCode;

class TestDirectory final : public TopicDirectory {
 public:
  [[nodiscard]] std::int64_t version() const override { return version_; }
  [[nodiscard]] std::optional<TopicFacts> find(std::string_view topic) const override {
    const auto found = topics_.find(topic);
    return found == topics_.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] std::string_view name(const TopicId& id) const override {
    for (const auto& [name, facts] : topics_) {
      if (facts.id == id) return name;
    }
    return {};
  }
  void each(const std::function<void(std::string_view)>& use) const override {
    for (const auto& [name, facts] : topics_) use(name);
  }

  // Makes the topic, or makes it larger.
  void put(const std::string& name, std::int32_t partitions) {
    auto& facts = topics_[name];
    if (facts.partition_count == 0) facts.id = Uuid{.bytes = {next_id_++}};
    facts.partition_count = partitions;
    ++version_;
  }
  void erase(const std::string& name) {
    topics_.erase(name);
    ++version_;
  }
  [[nodiscard]] TopicId id(std::string_view name) const { return topics_.find(name)->second.id; }
  [[nodiscard]] const std::map<std::string, TopicFacts, std::less<>>& topics() const { return topics_; }

 private:
  std::map<std::string, TopicFacts, std::less<>> topics_;
  std::int64_t version_ = 1;
  std::uint8_t next_id_ = 1;
};

// A heartbeat's answer as it came.
struct Beat {
  int answers = 0;
  ErrorCode error{};
  std::string message;
  std::string member_id;
  std::int32_t epoch = 0;
  std::int32_t interval_ms = 0;
  std::optional<AssignedPartitions> assignment;
};

struct BeatInput {
  std::string member;
  std::int32_t epoch = 0;
  std::optional<std::string> instance{};
  std::optional<std::vector<std::string>> topics{};
  std::optional<std::string> pattern{};
  std::optional<std::string> assignor{};
  std::optional<AssignedPartitions> owned{};
  std::int32_t rebalance_ms = -1;
  std::string group = "group";
  protocol::Version version = 1;
  std::string rack{};
};

// What a member sends that joins, with everything.
inline BeatInput joining(const std::string& member, std::vector<std::string> topics = {"topic"}) {
  return {.member = member, .topics = std::move(topics), .owned = AssignedPartitions{}, .rebalance_ms = 60'000};
}

// Views the input.
inline protocol::ConsumerGroupHeartbeatRequest heartbeat_request(const BeatInput& input) {
  protocol::ConsumerGroupHeartbeatRequest request;
  request.group_id = input.group;
  request.member_id = input.member;
  request.member_epoch = input.epoch;
  if (input.instance) request.instance_id = *input.instance;
  if (!input.rack.empty()) request.rack_id = input.rack;
  request.rebalance_timeout_ms = input.rebalance_ms;
  if (input.topics) request.subscribed_topic_names.emplace(input.topics->begin(), input.topics->end());
  if (input.pattern) request.subscribed_topic_regex = *input.pattern;
  if (input.assignor) request.server_assignor = *input.assignor;
  if (input.owned) {
    auto& owned = request.topic_partitions.emplace();
    for (const auto& [topic, partitions] : *input.owned) owned.push_back({topic, partitions});
  }
  return request;
}

inline ConsumerGroupHeartbeatAnswer record_in(const std::shared_ptr<Beat>& beat) {
  return [beat](const protocol::ConsumerGroupHeartbeatResponse& response) {
    ++beat->answers;
    beat->error = response.error_code;
    beat->message = response.error_message.value_or("");
    beat->member_id = response.member_id.value_or("");
    beat->epoch = response.member_epoch;
    beat->interval_ms = response.heartbeat_interval_ms;
    if (!response.assignment) return;
    beat->assignment.emplace();
    for (const auto& topic : response.assignment->topic_partitions)
      add_partitions(*beat->assignment, topic.topic_id, topic.partitions);
  };
}

}  // namespace millrace::coordinator::test
