// A log that is stopped, killed and started again on the files that a test leaves: in one segment, or in many.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "broker/log/loaded_log.h"
#include "test/broker/log/log_world.h"

namespace millrace::log::test {

inline constexpr TimestampMs noon{1'700'000'000'000};

struct Recovery : testing::Test {
  static LogConfig small_segments() {
    LogConfig config;
    config.segment_bytes = 400;
    config.index_interval_bytes = 1;
    return config;
  }

  void start(const LogConfig& config = {}) {
    world = std::make_unique<LogWorld>(config);
    ASSERT_TRUE(world->start());
  }
  void SetUp() override { start(); }
  void append(const std::string& value, std::int64_t later_ms = 0) {
    ASSERT_TRUE(world->append({.values = {value}, .timestamp = noon + later_ms}));
  }
  AppendOutcome produce(std::int32_t sequence, std::int64_t id = 1) {
    return world->append({.values = {std::to_string(sequence)},
                          .producer_id = ProducerId(id),
                          .producer_epoch = ProducerEpoch(0),
                          .base_sequence = Sequence(sequence)});
  }
  void flush() {
    bool flushed = false;
    world->log()->flush([&](const Status& status) { flushed = status.has_value(); });
    world->shard.run();
    ASSERT_TRUE(flushed);
  }
  [[nodiscard]] std::string segment(std::int64_t base, const std::string& suffix = ".log") const {
    auto digits = std::to_string(base);
    return world->partition_path() + "/" + std::string(20 - digits.size(), '0') + digits + suffix;
  }
  // The log's bytes replaced behind a dead broker's back, then a start.
  void restart_with(BytesView bytes, std::int64_t base = 0) {
    world->kill();
    write_file(segment(base), bytes);
    ASSERT_TRUE(world->start());
  }
  std::vector<std::string> values() {
    std::vector<std::string> found;
    std::int64_t expected = world->log()->log_start_offset().value();
    for (const auto& record : world->read_all(world->log()->log_start_offset())) {
      EXPECT_EQ(record.offset, Offset(expected++)) << "offsets without a gap";
      found.push_back(record.value);
    }
    return found;
  }

  std::unique_ptr<LogWorld> world;
};

using Values = std::vector<std::string>;

struct SegmentedRecovery : Recovery {
  static constexpr int count = 20;

  void SetUp() override {
    start(small_segments());
    for (int number = 0; number < count; ++number) append(std::to_string(number), number);
    world->shard.run();
    for (const auto& name : names_in(world->partition_path())) {
      if (name.ends_with(".log")) bases.push_back(std::stoll(name.substr(0, 20)));
    }
    ASSERT_GE(bases.size(), 3U);
  }
  Values all() {
    Values expected;
    for (int number = 0; number < count; ++number) expected.push_back(std::to_string(number));
    return expected;
  }
  Values below(std::int64_t end) {
    auto expected = all();
    expected.resize(static_cast<std::size_t>(end));
    return expected;
  }

  std::vector<std::int64_t> bases;
};

}  // namespace millrace::log::test
