// Groups of the new protocol with a log behind them and members that tests speak for. Time stands still until it is told to move; what the
// groups want appended is in the log at once, unless a test holds it back.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/coordinator/consumer_group_load.h"
#include "broker/coordinator/consumer_groups.h"

namespace millrace::coordinator::test {

using protocol::ErrorCode;
using Bytes = std::vector<std::uint8_t>;

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

class ConsumerGroupHarness {
 public:
  explicit ConsumerGroupHarness(ConsumerGroupConfig config = {}) : config_(std::move(config)) { start({}); }

  // What a member sends that joins, with everything.
  static BeatInput joining(const std::string& member, std::vector<std::string> topics = {"topic"}) {
    return {.member = member, .topics = std::move(topics), .owned = AssignedPartitions{}, .rebalance_ms = 60'000};
  }

  std::shared_ptr<Beat> send(const BeatInput& input) {
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
    auto beat = std::make_shared<Beat>();
    groups->heartbeat(
        request, {input.version, "client", "/127.0.0.1"}, may_describe,
        [beat](const protocol::ConsumerGroupHeartbeatResponse& response) {
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
        },
        time);
    settle();
    return beat;
  }
  Beat beat(const BeatInput& input) { return *send(input); }
  Beat join(const std::string& member, std::vector<std::string> topics = {"topic"}) {
    return beat(joining(member, std::move(topics)));
  }

  void advance(std::int64_t milliseconds) {
    time.now += std::chrono::milliseconds(milliseconds);
    time.wall = time.wall + milliseconds;
    groups->on_time(time);
    settle();
  }

  // The oldest of what waits to be appended, with this outcome; `is_there`: whether the log has it all the same.
  void append_next(ErrorCode error = ErrorCode::none, bool is_there = false) {
    auto [records, done] = std::move(wanted.front());
    wanted.pop_front();
    if (error == ErrorCode::none || is_there) log.insert(log.end(), records.begin(), records.end());
    done(error);
    settle();
  }
  void settle() {
    while (!hold_appends && !wanted.empty()) append_next();
  }
  // Leaves the newest record of each key, in whatever order they are, and no tombstones.
  void compact_log() {
    std::map<Bytes, std::optional<Bytes>> newest;
    for (auto& record : log) newest[record.key] = std::move(record.value);
    log.clear();
    for (auto& [key, value] : newest) {
      if (value) log.push_back({key, std::move(value)});
    }
  }
  // Another coordinator, which has nothing but the log.
  void reload() {
    groups->unload();
    auto lost = std::exchange(wanted, {});
    for (auto& [records, done] : lost) done(ErrorCode::not_leader_or_follower);
    start(read_log());
  }
  [[nodiscard]] std::vector<ConsumerGroup> read_log() const {
    ConsumerGroupLoad load;
    for (const auto& record : log) {
      const auto key = decode_consumer_offsets_key(record.key);
      (void)load.read(*key, record.value ? std::optional<BytesView>(*record.value) : std::nullopt);
    }
    return std::move(load).finish();
  }

  [[nodiscard]] AssignedPartitions partitions(const std::map<std::string, std::vector<std::int32_t>>& topics) const {
    AssignedPartitions all;
    for (const auto& [name, numbers] : topics) {
      for (const auto number : numbers) all[directory.id(name)].emplace_back(number);
    }
    return all;
  }
  [[nodiscard]] const ConsumerGroup* group() const { return groups->find("group"); }

  TestDirectory directory;
  SeededRandom random{1};
  GroupTime time{.now = MonotonicTime{} + std::chrono::hours(1), .wall = TimestampMs(1'700'000'000'000)};
  MayDescribeTopic may_describe;
  std::unique_ptr<ConsumerGroups> groups;
  std::deque<std::pair<std::vector<GroupRecord>, ConsumerGroupHost::Done>> wanted;
  std::vector<GroupRecord> log;
  bool hold_appends = false;

 private:
  void start(std::vector<ConsumerGroup> loaded) {
    groups = std::make_unique<ConsumerGroups>(config_, directory, random,
                                              [this](std::vector<GroupRecord> records, ConsumerGroupHost::Done done) {
                                                wanted.emplace_back(std::move(records), std::move(done));
                                              });
    groups->load(std::move(loaded), time);
  }

  ConsumerGroupConfig config_;
};

}  // namespace millrace::coordinator::test
