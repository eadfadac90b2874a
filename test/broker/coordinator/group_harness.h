// A group coordinator with a log behind it and members that tests speak for. Time stands still until it is told to move; whatever the
// coordinator wants appended is in the log at once, unless a test holds it back.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/coordinator/group_coordinator.h"
#include "broker/coordinator/group_load.h"
#include "broker/protocol/message.h"
#include "broker/protocol/record_batch_builder.h"
#include "test/broker/coordinator/heartbeat_input.h"

namespace millrace::coordinator::test {

using protocol::ErrorCode;
using Bytes = std::vector<std::uint8_t>;

inline Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }
inline std::string text_of(BytesView bytes) { return {bytes.begin(), bytes.end()}; }

// What a consumer says for its protocol: version 3 of ConsumerProtocolSubscription with these topics and nothing else.
inline std::string subscription_to(const std::vector<std::string>& topics) {
  std::string text{'\0', '\3'};
  const auto number = [&](std::uint32_t value, int bytes) {
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift);
  };
  number(static_cast<std::uint32_t>(topics.size()), 4);
  for (const auto& topic : topics) {
    number(static_cast<std::uint32_t>(topic.size()), 2);
    text += topic;
  }
  number(0xffffffff, 4);  // no user data
  number(0, 4);           // no owned partitions
  number(0xffffffff, 4);  // no generation
  number(0xffff, 2);      // no rack
  return text;
}

struct JoinInput {
  std::string group = "group";
  std::string member{};
  std::optional<std::string> instance{};
  std::vector<std::pair<std::string, std::string>> protocols = {{"range", subscription_to({"topic"})}};
  std::string type = "consumer";
  std::int32_t session_ms = 10'000;
  std::int32_t rebalance_ms = 60'000;
  protocol::Version version = 3;  // the last that gives a member its id without a second JoinGroup
  std::string client = "client";
};

struct Joined {
  int answers = 0;
  ErrorCode error{};
  std::int32_t generation = -2;
  std::string member;
  std::string leader;
  std::optional<std::string> type;
  std::optional<std::string> protocol;
  bool skip_assignment = false;
  std::vector<std::pair<std::string, std::string>> members;  // with what they said
};

struct Synced {
  int answers = 0;
  ErrorCode error{};
  std::optional<std::string> type;
  std::optional<std::string> protocol;
  std::string assignment;
};

struct Committed {
  int answers = 0;
  std::vector<std::pair<TopicPartition, ErrorCode>> partitions;

  [[nodiscard]] ErrorCode error() const { return partitions.empty() ? ErrorCode::none : partitions.front().second; }
};

struct Fetched {
  ErrorCode error{};
  std::int64_t offset = -2;
  std::int32_t leader_epoch = -2;
  std::string metadata{};
};

using JoinedPointer = std::shared_ptr<Joined>;
using SyncedPointer = std::shared_ptr<Synced>;
using CommittedPointer = std::shared_ptr<Committed>;

// What becomes of a failed append for whoever asked, be it a group's record or an offset: Produce's code, the coordinator's.
inline constexpr std::array<std::pair<protocol::ErrorCode, protocol::ErrorCode>, 5> common_append_errors{
    {{protocol::ErrorCode::not_enough_replicas, protocol::ErrorCode::coordinator_not_available},
     {protocol::ErrorCode::not_enough_replicas_after_append, protocol::ErrorCode::coordinator_not_available},
     {protocol::ErrorCode::unknown_topic_or_partition, protocol::ErrorCode::coordinator_not_available},
     {protocol::ErrorCode::not_leader_or_follower, protocol::ErrorCode::not_coordinator},
     {protocol::ErrorCode::kafka_storage_error, protocol::ErrorCode::not_coordinator}}};

class GroupHarness {
 public:
  explicit GroupHarness(GroupConfig configuration = {}, std::uint64_t seed = 1)
      : config(configuration), random(seed), coordinator(std::make_unique<GroupCoordinator>(config, random)) {
    coordinator->load({}, time);
  }
  // One that hears members of the new protocol, too.
  explicit GroupHarness(const ConsumerGroupConfig& consumers, GroupConfig configuration = {}, std::uint64_t seed = 1)
      : config(configuration), consumer_config(consumers), random(seed) {
    start(LoadedGroups());
  }

  std::shared_ptr<Beat> send(const BeatInput& input) {
    auto beat = std::make_shared<Beat>();
    coordinator->consumer_group_heartbeat(heartbeat_request(input), {input.version, "client", "/127.0.0.1"}, {},
                                          record_in(beat), time);
    settle();
    return beat;
  }
  Beat beat(const BeatInput& input) { return *send(input); }

  JoinedPointer join(const JoinInput& input) {
    protocol::JoinGroupRequest request;
    request.group_id = input.group;
    request.member_id = input.member;
    if (input.instance) request.group_instance_id = *input.instance;
    request.protocol_type = input.type;
    request.session_timeout_ms = input.session_ms;
    request.rebalance_timeout_ms = input.rebalance_ms;
    for (const auto& [name, metadata] : input.protocols) request.protocols.push_back({name, as_bytes(metadata)});
    auto joined = std::make_shared<Joined>();
    const auto version = input.version;
    coordinator->join(
        request, {input.version, input.client, "/127.0.0.1"},
        [joined, version](const protocol::JoinGroupResponse& response) { record(*joined, response, version); }, time);
    settle();
    return joined;
  }
  SyncedPointer sync(const std::string& member, std::int32_t generation,
                     const std::vector<std::pair<std::string, std::string>>& assignments = {},
                     const std::string& group = "group", const std::optional<std::string>& instance = {},
                     const std::optional<std::string>& type = {}, const std::optional<std::string>& protocol = {}) {
    protocol::SyncGroupRequest request;
    request.group_id = group;
    request.member_id = member;
    request.generation_id = generation;
    if (instance) request.group_instance_id = *instance;
    if (type) request.protocol_type = *type;
    if (protocol) request.protocol_name = *protocol;
    for (const auto& [id, assignment] : assignments) request.assignments.push_back({id, as_bytes(assignment)});
    auto synced = std::make_shared<Synced>();
    coordinator->sync(
        request,
        [synced](const protocol::SyncGroupResponse& response) {
          ++synced->answers;
          synced->error = response.error_code;
          if (response.protocol_type) synced->type = *response.protocol_type;
          if (response.protocol_name) synced->protocol = *response.protocol_name;
          synced->assignment = text_of(response.assignment);
          EXPECT_TRUE(protocol::encode(response, 5));
        },
        time);
    settle();
    return synced;
  }
  ErrorCode heartbeat(const std::string& member, std::int32_t generation, const std::string& group = "group",
                      const std::optional<std::string>& instance = {}) {
    protocol::HeartbeatRequest request;
    request.group_id = group;
    request.member_id = member;
    request.generation_id = generation;
    if (instance) request.group_instance_id = *instance;
    const auto error = coordinator->heartbeat(request, time);
    settle();
    return error;
  }
  // The errors of the members, in their order; the error of all when there is one.
  std::vector<ErrorCode> leave_all(const std::vector<std::pair<std::string, std::optional<std::string>>>& members,
                                   const std::string& group = "group", protocol::Version version = 5) {
    protocol::LeaveGroupRequest request;
    request.group_id = group;
    for (const auto& [id, instance] : members) {
      auto& member = request.members.emplace_back();
      member.member_id = id;
      if (instance) member.group_instance_id = *instance;
    }
    if (version < 3) {
      request.member_id = members.front().first;
      request.members.clear();
    }
    const auto response = coordinator->leave(request, version, time);
    std::vector<ErrorCode> errors;
    if (version < 3 || response.error_code != ErrorCode::none) errors.push_back(response.error_code);
    for (const auto& member : response.members) errors.push_back(member.error_code);
    settle();
    return errors;
  }
  ErrorCode leave(const std::string& member, const std::string& group = "group") {
    return leave_all({{member, std::nullopt}}, group).front();
  }

  struct CommitInput {
    std::string group = "group";
    std::string member{};
    std::int32_t generation = -1;
    std::optional<std::string> instance{};
    std::string topic = "topic";
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::string metadata{};
    std::int32_t leader_epoch = -1;
    std::int64_t retention_ms = -1;
    std::int64_t timestamp = -1;
    std::int64_t producer = -1;  // in a transaction when there is one
    std::int16_t epoch = 0;
    protocol::Version version = 9;
  };
  CommittedPointer commit(const CommitInput& input) {
    auto committed = std::make_shared<Committed>();
    if (input.producer >= 0) {
      protocol::TxnOffsetCommitRequest request;
      request.producer_id = ProducerId(input.producer);
      request.producer_epoch = ProducerEpoch(input.epoch);
      request.generation_id = input.generation;
      fill(request, input);
      coordinator->commit(
          request, std::nullopt,
          [committed](const protocol::TxnOffsetCommitResponse& response) { record(*committed, response); }, time);
    } else {
      protocol::OffsetCommitRequest request;
      request.generation_id_or_member_epoch = input.generation;
      request.retention_time_ms = input.retention_ms;
      fill(request, input).commit_timestamp = TimestampMs(input.timestamp);
      coordinator->commit(
          request, input.version,
          [committed](const protocol::OffsetCommitResponse& response) { record(*committed, response); }, time);
    }
    settle();
    return committed;
  }
  Fetched fetch(const std::string& topic = "topic", std::int32_t partition = 0, const std::string& group = "group",
                bool require_stable = false) {
    protocol::OffsetFetchRequest::Group request;
    request.group_id = group;
    request.topics->emplace_back();
    request.topics->front().name = topic;
    request.topics->front().partition_indexes = {PartitionIndex(partition)};
    const auto response = coordinator->fetch(request, require_stable);
    if (response.error_code != ErrorCode::none) return {response.error_code};
    const auto& found = response.topics.front().partitions.front();
    return {found.error_code, found.committed_offset.value(), found.committed_leader_epoch.value(),
            std::string(*found.metadata)};
  }
  // Appends the marker and tells the coordinator.
  void end_transaction(std::int64_t producer, bool commit) {
    log.push_back({{}, next_offset, commit, ProducerId(producer)});
    next_offset = next_offset + 1;
    coordinator->complete_transaction(ProducerId(producer), commit);
  }

  std::string state(const std::string& group = "group") const {
    const Group* const found = coordinator->find(group);
    return std::string(to_string(found == nullptr ? GroupState::dead : found->state()));
  }

  // Everything that is due on the way happens at its time.
  void advance(std::int64_t milliseconds) {
    const MonotonicTime target = time.now + std::chrono::milliseconds(milliseconds);
    while (const auto deadline = coordinator->next_deadline()) {
      if (is_deaf || *deadline > target) break;
      move_to(std::max(*deadline, time.now));
      coordinator->on_time(time);
      settle();
    }
    move_to(target);
  }

  // Appends what is wanted, unless `hold_appends`.
  void settle() {
    for (;;) {
      for (auto& append : coordinator->take_appends()) wanted.push_back(std::move(append));
      if (hold_appends || wanted.empty()) return;
      append_next();
    }
  }
  // The oldest append that is held back ends so; `is_there`: whether the log has it all the same.
  void append_next(ErrorCode error = ErrorCode::none, bool is_there = false) {
    GroupAppend append = std::move(wanted.front());
    wanted.pop_front();
    const auto id = append.id;
    const Offset base = next_offset;
    if (error == ErrorCode::none && size_bytes(append) > config.batch_bytes_max) error = ErrorCode::message_too_large;
    if (error == ErrorCode::none || is_there) {
      next_offset = next_offset + static_cast<std::int64_t>(append.records.size());
      log.push_back({std::move(append), base, std::nullopt, ProducerId::none()});
    }
    coordinator->on_appended(id, {error, error == ErrorCode::none ? base : Offset::none()}, time);
    for (auto& more : coordinator->take_appends()) wanted.push_back(std::move(more));
  }
  // What the log holds, written and read as batches.
  LoadedGroups read_log() const {
    GroupLoad load;
    for (const auto& logged : log) {
      const Bytes bytes = batch_of(logged);
      const auto batch = protocol::parse_batch(bytes);
      EXPECT_TRUE(batch && load.read(batch->header, batch->records()));
    }
    return std::move(load).finish();
  }
  // Another coordinator takes over what is in the log.
  void reload() {
    wanted.clear();
    coordinator->unload(time);
    start(read_log());
    settle();
  }

  // A stable group of `count` members, whose answers are given back in the order in which they came in. Each is assigned "of <id>".
  std::vector<JoinedPointer> stable_group(std::size_t count, const JoinInput& input = {}) {
    std::vector<JoinedPointer> joined;
    for (std::size_t index = 0; index < count; ++index) joined.push_back(join(input));
    for (int rounds = 0; rounds < 100 && joined.back()->answers == 0; ++rounds)
      advance(config.group_initial_rebalance_delay_ms);
    sync_all(joined, input.group);
    return joined;
  }
  void sync_all(const std::vector<JoinedPointer>& joined, const std::string& group = "group") {
    std::vector<std::pair<std::string, std::string>> assignments;
    for (const auto& each : joined) assignments.emplace_back(each->member, "of " + each->member);
    for (const auto& each : joined) {
      ASSERT_EQ(each->error, ErrorCode::none);
      sync(each->member, each->generation, each->member == each->leader ? assignments : decltype(assignments){}, group);
    }
    EXPECT_EQ(state(group), "Stable");
  }

  struct Logged {
    GroupAppend append;
    Offset base;
    std::optional<bool> marker{};  // commits, or aborts
    ProducerId producer = ProducerId::none();
  };

  GroupConfig config;
  std::optional<ConsumerGroupConfig> consumer_config;
  TestDirectory directory;
  SeededRandom random;
  GroupTime time{MonotonicTime(std::chrono::hours(1)), TimestampMs(1'700'000'000'000)};
  std::unique_ptr<GroupCoordinator> coordinator;
  bool hold_appends = false;
  bool is_deaf = false;  // to what the coordinator wants to be called for
  std::deque<GroupAppend> wanted;
  std::vector<Logged> log;
  Offset next_offset{0};

 private:
  void start(LoadedGroups loaded) {
    coordinator = std::make_unique<GroupCoordinator>(config, random);
    if (consumer_config) coordinator->enable_consumer_groups(*consumer_config, directory);
    coordinator->load(std::move(loaded), time);
  }
  static void record(Joined& joined, const protocol::JoinGroupResponse& response, protocol::Version version) {
    EXPECT_TRUE(protocol::encode(response, version)) << "an answer that cannot be written in version " << version;
    ++joined.answers;
    joined.error = response.error_code;
    joined.generation = response.generation_id;
    joined.member = response.member_id;
    joined.leader = response.leader;
    if (response.protocol_type) joined.type = *response.protocol_type;
    if (response.protocol_name) joined.protocol = *response.protocol_name;
    joined.skip_assignment = response.skip_assignment;
    for (const auto& member : response.members)
      joined.members.emplace_back(std::string(member.member_id), text_of(member.metadata));
  }
  template <class Response>
  static void record(Committed& committed, const Response& response) {
    ++committed.answers;
    for (const auto& topic : response.topics) {
      for (const auto& partition : topic.partitions)
        committed.partitions.push_back({{std::string(topic.name), partition.partition_index}, partition.error_code});
    }
  }
  template <class Request>
  typename Request::Topic::Partition& fill(Request& request, const CommitInput& input) {
    request.group_id = input.group;
    request.member_id = input.member;
    if (input.instance) request.group_instance_id = *input.instance;
    auto& topic = request.topics.emplace_back();
    topic.name = input.topic;
    auto& partition = topic.partitions.emplace_back();
    partition.partition_index = PartitionIndex(input.partition);
    partition.committed_offset = Offset(input.offset);
    partition.committed_leader_epoch = LeaderEpoch(input.leader_epoch);
    partition.committed_metadata = input.metadata;
    return partition;
  }
  static std::size_t size_bytes(const GroupAppend& append) {
    std::size_t sum = batch_overhead_bytes;
    for (const auto& record : append.records) sum += batched_bytes(record);
    return sum;
  }
  static Bytes batch_of(const Logged& logged) {
    protocol::RecordBatchBuilder::Options options;
    options.base_offset = logged.base;
    options.producer_id = logged.marker ? logged.producer : logged.append.producer_id;
    options.producer_epoch = logged.append.producer_epoch;
    options.base_sequence = logged.append.base_sequence;
    options.is_transactional = logged.marker || logged.append.is_transactional();
    options.is_control = logged.marker.has_value();
    protocol::RecordBatchBuilder builder(options);
    if (logged.marker) {
      const Bytes key{0, 0, 0, static_cast<std::uint8_t>(*logged.marker ? 1 : 0)};
      const Bytes value{0, 0, 0, 0, 0, 0};
      builder.append(TimestampMs(1), key, value);
    }
    for (const auto& each : logged.append.records) {
      std::optional<BytesView> value;
      if (each.value) value = *each.value;
      builder.append(logged.append.timestamp, each.key, value);
    }
    return *builder.build();
  }
  void move_to(MonotonicTime target) {
    time.wall = time.wall + std::chrono::duration_cast<std::chrono::milliseconds>(target - time.now).count();
    time.now = target;
  }
};

}  // namespace millrace::coordinator::test
