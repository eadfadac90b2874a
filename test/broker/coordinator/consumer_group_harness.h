// Groups of the new protocol with a log behind them and members that tests speak for. Time stands still until it is told to move; what the
// groups want appended is in the log at once, unless a test holds it back.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/coordinator/batch_size.h"
#include "broker/coordinator/consumer_group_load.h"
#include "broker/coordinator/consumer_groups.h"
#include "test/broker/coordinator/heartbeat_input.h"

namespace millrace::coordinator::test {

using protocol::ErrorCode;
using Bytes = std::vector<std::uint8_t>;

// Nobody but groups of the new protocol.
class NoClassicGroups final : public ClassicGroups {
 public:
  [[nodiscard]] tl::expected<ConsumerGroup, GroupRefusal> upgraded(std::string_view group_id) const override {
    return ConsumerGroup(std::string(group_id));
  }
  void retire(ConsumerGroup& /*successor*/) override {}
  [[nodiscard]] bool is_stored(std::string_view /*group_id*/) const override { return false; }
  [[nodiscard]] bool has_room_for(std::size_t /*members*/) const override { return false; }
  Result<GroupRecord> adopt(const ConsumerGroup& /*predecessor*/) override { return GroupRecord(); }
  void join(const protocol::JoinGroupRequest& /*request*/, const GroupClient& /*client*/,
            JoinAnswer /*answer*/) override {}
};

class ConsumerGroupHarness {
 public:
  explicit ConsumerGroupHarness(ConsumerGroupConfig config = {}) : config_(std::move(config)) { start({}); }

  std::shared_ptr<Beat> send(const BeatInput& input) {
    auto beat = std::make_shared<Beat>();
    groups->heartbeat(heartbeat_request(input), {input.version, "client", "/127.0.0.1"}, may_describe, record_in(beat),
                      time);
    settle();
    return beat;
  }
  Beat beat(const BeatInput& input) { return *send(input); }
  Beat join(const std::string& member, std::vector<std::string> topics = {"topic"}) {
    return beat(joining(member, std::move(topics)));
  }

  // Answered once, when the log has what the group is.
  template <class Use>
  void describe(const std::string& group_id, Use use) {
    int answers = 0;
    groups->describe(
        group_id,
        [&](const protocol::ConsumerGroupDescribeResponse::Group& answer) {
          ++answers;
          use(answer);
        },
        time);
    settle();
    EXPECT_EQ(answers, 1);
  }
  void dissolve() {
    groups->take_turn(
        "group",
        [this](ConsumerGroupHost* host) {
          groups->dissolve(*host);
          return ConsumerGroupHost::Done();
        },
        time);
    settle();
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
  NoClassicGroups classic_groups;
  SeededRandom random{1};
  GroupTime time{.now = MonotonicTime{} + std::chrono::hours(1), .wall = TimestampMs(1'700'000'000'000)};
  MayDescribeTopic may_describe;
  std::unique_ptr<ConsumerGroups> groups;
  std::deque<std::pair<std::vector<GroupRecord>, ConsumerGroupHost::Done>> wanted;
  std::vector<GroupRecord> log;
  bool hold_appends = false;

 private:
  void start(std::vector<ConsumerGroup> loaded) {
    auto append = [this](std::vector<GroupRecord> records, ConsumerGroupHost::Done done) {
      wanted.emplace_back(std::move(records), std::move(done));
    };
    groups = std::make_unique<ConsumerGroups>(
        config_, ConsumerGroups::Parts{directory, random, classic_groups, std::move(append), default_batch_bytes_max});
    groups->load(std::move(loaded), time);
  }

  ConsumerGroupConfig config_;
};

}  // namespace millrace::coordinator::test
