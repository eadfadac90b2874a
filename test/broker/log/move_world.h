// A broker's logs with two log directories between which replicas move.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/log/move_bounds.h"
#include "test/broker/log/log_answers.h"
#include "test/broker/log/log_world.h"

namespace millrace::log::test {

class MoveWorld : public LogWorld {
 public:
  explicit MoveWorld(const LogConfig& topic_config = {}) : MoveWorld(topic_config, unsynced_files()) {}
  MoveWorld(const LogConfig& topic_config, FileSystem& files) : LogWorld(topic_config, files) {
    options.directories.push_back(second());
  }

  [[nodiscard]] std::string first() const { return data_path(); }
  [[nodiscard]] std::string second() const { return directory.path() + "/data2"; }
  [[nodiscard]] std::string other_than(const std::string& path) const { return path == first() ? second() : first(); }

  // With the periodic work, and the moves that were not over.
  Status start_all(const LogManager::KnowsPartition& knows = nullptr) {
    auto started = start(knows);
    if (started) manager->start(shard, shard.pool());
    return started;
  }

  // The refusal; nothing: it moves. With the rate of 0 it comes no further than that.
  std::optional<MoveRefusal> ask(const std::string& path, const std::string& topic = "events", bool expected = true) {
    std::optional<MoveOutcome> answer;
    manager->move({topic, PartitionIndex(0)}, path, expected, [&](MoveOutcome outcome) { answer = outcome; });
    shard.run();
    EXPECT_TRUE(answer.has_value()) << "the move was never answered";
    if (!answer || *answer) return std::nullopt;
    return answer->error();
  }
  // To its end.
  void move_to(const std::string& path, const std::string& topic = "events") {
    ASSERT_FALSE(ask(path, topic));
    finish();
    ASSERT_EQ(place(topic), path);
  }
  // Runs `job` between the jobs of the shard, after so many of its turns.
  void after_turns(int turns, std::function<void()> job) {
    if (turns == 0) return job();
    shard.post([this, turns, job = std::move(job)]() mutable { after_turns(turns - 1, std::move(job)); });
  }
  // Begins a move that stops after so many turns.
  void begin_move(const std::string& path, int turns = 0) {
    after_turns(turns, [this] { manager->set_move_rate(0); });
    ASSERT_FALSE(ask(path));
    ASSERT_EQ(hosted().size(), 2U) << "it is over already";
  }
  // One record after the other, on the shard, until the log ends there; `records` gets them.
  void replace_up_to(Offset end, std::vector<ReadRecord>& records) {
    if (log()->log_end_offset() >= end) return;
    auto batch = std::make_shared<Bytes>(make_batch({.values = {"in its place"}}));
    log()->append({*batch, AppendOrigin::client, leader_epoch, shard.clock().wall_clock()},
                  [this, batch, end, &records](const AppendOutcome& outcome) {
                    ASSERT_TRUE(outcome);
                    records.push_back({outcome->base_offset, "in its place"});
                    shard.post([this, end, &records] { replace_up_to(end, records); });
                  });
  }
  void go_on() {
    manager->set_move_rate(MoveBounds::no_rate);
    finish();
  }
  void finish() {
    shard.run();
    shard.advance(std::chrono::seconds(1));
  }

  [[nodiscard]] std::string place(const std::string& topic = "events") {
    const auto path = log(topic)->directory();
    return path.substr(0, path.rfind('/'));
  }
  // "future" or "now", the directory, and for a copy how far it is behind.
  std::vector<std::string> hosted(const std::string& topic = "events") const {
    std::vector<std::string> rows;
    for (const auto& found : manager->hosted_logs()) {
      if (found.log->topic_partition().topic != topic) continue;
      rows.push_back(found.is_future ? "future " + found.directory + " behind " +
                                           (found.lag ? std::to_string(*found.lag) : std::string("unknown"))
                                     : "now " + found.directory);
    }
    return rows;
  }
  // Names in a log directory that end like this.
  static std::vector<std::string> names_ending(const std::string& path, const std::string& end) {
    std::vector<std::string> found;
    for (auto& name : names_in(path)) {
      if (name.ends_with(end)) found.push_back(name);
    }
    return found;
  }

  // Transactions, aborts, idempotent producers, epochs, several segments.
  void fill(int rounds) {
    for (int round = 0; round < rounds; ++round) {
      leader_epoch = LeaderEpoch(round / 3);
      EXPECT_TRUE(log()->start_leader_epoch(leader_epoch));
      EXPECT_TRUE(append({.values = {"plain", std::string(200, 'x')}}));
      EXPECT_TRUE(append({.values = {"known"},
                          .timestamp = TimestampMs(1'700'000'000'000 + round * 1000),
                          .producer_id = ProducerId(5),
                          .producer_epoch = ProducerEpoch(0),
                          .base_sequence = Sequence(round)}));
      EXPECT_TRUE(append({.values = {"in a transaction"},
                          .producer_id = ProducerId(6),
                          .producer_epoch = ProducerEpoch(0),
                          .base_sequence = Sequence(round),
                          .transactional = true}));
      EXPECT_TRUE(append(marker_batch(ProducerId(6), ProducerEpoch(0), round % 2 == 0, 1), AppendOrigin::coordinator));
    }
    log()->publish_high_watermark(log()->log_end_offset());
  }
};

}  // namespace millrace::log::test
