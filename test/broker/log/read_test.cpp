// Reads by offset and by time, over one segment and several, from memory and from disk.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

#include "broker/log/time_index.h"
#include "test/broker/log/log_world.h"

namespace millrace::log::test {
namespace {

constexpr TimestampMs noon{1'700'000'000'000};

LogConfig small_segments() {
  LogConfig config;
  config.segment_bytes = 1000;
  config.index_interval_bytes = 100;
  return config;
}

// Batches of three records "<offset>", 10 ms apart.
struct Reads : testing::Test {
  static constexpr int batches = 40;

  void start(const LogConfig& config) {
    world = std::make_unique<LogWorld>(config);
    ASSERT_TRUE(world->start());
    for (std::int64_t number = 0; number < batches; ++number) {
      std::vector<std::string> values;
      for (int record = 0; record < 3; ++record) values.push_back(std::to_string(number * 3 + record));
      ASSERT_TRUE(world->append({.values = values, .timestamp = noon + number * 10}));
    }
  }
  void SetUp() override { start(LogConfig{}); }
  void restart_cold() {
    ASSERT_TRUE(world->stop());
    ASSERT_TRUE(world->start());
  }
  void expect_all_readable() {
    for (std::int64_t from = 0; from < batches * 3; ++from) {
      auto data = world->read(Offset(from));
      ASSERT_TRUE(data) << data.error().message;
      auto records = records_in(world->bytes_of(*data));
      ASSERT_FALSE(records.empty()) << from;
      EXPECT_EQ(records.front().offset, Offset(from / 3 * 3)) << "the batch that holds it comes first";
      for (const auto& record : records) EXPECT_EQ(record.value, std::to_string(record.offset.value()));
    }
    auto all = world->read_all(Offset(0), 150);
    ASSERT_EQ(all.size(), static_cast<std::size_t>(batches * 3));
    for (std::size_t at = 0; at < all.size(); ++at) EXPECT_EQ(all[at].offset, Offset(static_cast<std::int64_t>(at)));
  }

  std::unique_ptr<LogWorld> world;
  std::size_t batch_bytes = make_batch({.values = {"1", "2", "3"}}).size();
};

TEST_F(Reads, StartWithTheBatchThatHoldsTheOffset) { expect_all_readable(); }

TEST_F(Reads, FindTheSameFromDisk) {
  restart_cold();
  auto data = world->read(Offset(4));
  ASSERT_TRUE(data);
  EXPECT_FALSE(data->resident) << "nothing was read since the start";
  expect_all_readable();
}

TEST_F(Reads, GoAcrossSegments) {
  start(small_segments());
  EXPECT_GT(world->log()->published().segments, 3U);
  expect_all_readable();
  restart_cold();
  expect_all_readable();
  EXPECT_GT(world->log()->published().segments, 3U);
}

TEST_F(Reads, AtTheEndGiveNothingAndBeyondItAreRefused) {
  for (bool cold : {false, true}) {
    if (cold) restart_cold();
    auto at_end = world->read(Offset(120));
    ASSERT_TRUE(at_end);
    EXPECT_EQ(at_end->records.length_bytes, 0U);
    EXPECT_EQ(at_end->first_batch_bytes, 0U);
    EXPECT_EQ(at_end->log_end_offset, Offset(120));
    for (std::int64_t offset : {-1, 121}) {
      auto refused = world->read(Offset(offset));
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().kind, ReadErrorKind::offset_out_of_range);
      EXPECT_EQ(refused.error().log_start_offset, Offset(0));
      EXPECT_EQ(refused.error().log_end_offset, Offset(120));
    }
  }
}

TEST_F(Reads, BelowTheLogStartAreRefused) {
  world->log()->publish_high_watermark(world->log()->log_end_offset());
  ASSERT_TRUE(world->log()->advance_log_start_offset(Offset(4)));
  EXPECT_EQ(world->read(Offset(3)).error().kind, ReadErrorKind::offset_out_of_range);
  auto data = world->read(Offset(4));
  ASSERT_TRUE(data);
  EXPECT_EQ(data->log_start_offset, Offset(4));
  EXPECT_FALSE(world->log()->advance_log_start_offset(Offset(121)));
  EXPECT_TRUE(world->log()->advance_log_start_offset(Offset(1))) << "ignored: it never moves back";
  EXPECT_EQ(world->log()->log_start_offset(), Offset(4));
  restart_cold();
  EXPECT_EQ(world->log()->log_start_offset(), Offset(4));
}

TEST_F(Reads, AreCutAtMaxBytesButForTheFirstBatchWhenItIsAskedFor) {
  for (bool cold : {false, true}) {
    if (cold) restart_cold();
    auto whole = world->read(Offset(1), 10, std::nullopt, true);
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->records.length_bytes, batch_bytes);
    EXPECT_EQ(whole->first_batch_bytes, batch_bytes);
    auto cut = world->read(Offset(1), 10, std::nullopt, false);
    ASSERT_TRUE(cut);
    EXPECT_EQ(cut->records.length_bytes, 10U);
    EXPECT_EQ(cut->first_batch_bytes, batch_bytes) << "tells that it is cut";
    auto none = world->read(Offset(1), 0, std::nullopt, false);
    ASSERT_TRUE(none);
    EXPECT_EQ(none->records.length_bytes, 0U);
    auto more = world->read(Offset(0), batch_bytes + 20, std::nullopt, true);
    ASSERT_TRUE(more);
    EXPECT_EQ(more->records.length_bytes, batch_bytes + 20);
    EXPECT_EQ(records_in(world->bytes_of(*more)).size(), 3U);
  }
}

TEST_F(Reads, StopBeforeTheBatchThatReachesTheUpperBound) {
  for (auto config : {LogConfig{}, small_segments()}) {
    start(config);
    for (bool cold : {false, true}) {
      if (cold) restart_cold();
      for (std::int64_t bound = 0; bound <= 120; ++bound) {
        for (std::int64_t from : {0, 4, 60, 119}) {
          auto data = world->read(Offset(from), 1 << 20, Offset(bound));
          ASSERT_TRUE(data) << data.error().message;
          if (from >= bound / 3 * 3) {
            EXPECT_EQ(data->records.length_bytes, 0U) << from << " below " << bound;
            continue;
          }
          auto records = records_in(world->bytes_of(*data));
          ASSERT_FALSE(records.empty()) << from << " below " << bound;
          EXPECT_LT(records.back().offset, Offset(bound / 3 * 3));
        }
      }
      auto beyond = world->read(Offset(0), 1 << 20, Offset(std::numeric_limits<std::int64_t>::max()));
      ASSERT_TRUE(beyond);
      EXPECT_GT(beyond->records.length_bytes, 0U);
    }
  }
}

TEST_F(Reads, KeepTheirFileWhenTheLogIsDeleted) {
  auto data = world->read(Offset(0));
  ASSERT_TRUE(data);
  world->manager->remove({"events", PartitionIndex(0)}, [](const Status& status) { EXPECT_TRUE(status); });
  world->shard.run();
  world->shard.advance(std::chrono::minutes(2));
  for (const auto& name : names_in(world->data_path())) EXPECT_FALSE(name.starts_with("events")) << name;
  EXPECT_EQ(records_in(world->bytes_of(*data)).size(), 120U);
}

TEST_F(Reads, SayWhichFileIsDamaged) {
  start(small_segments());
  restart_cold();
  const auto path = world->partition_path() + "/00000000000000000000.log";
  auto bytes = file_bytes(path);
  std::fill(bytes.begin() + 8, bytes.begin() + 12, 0xff);
  write_file(path, bytes);
  auto data = world->read(Offset(1));
  ASSERT_FALSE(data);
  EXPECT_EQ(data.error().kind, ReadErrorKind::storage);
  EXPECT_NE(data.error().message.find("00000000000000000000.log"), std::string::npos);
}

TEST_F(Reads, FindTheFirstRecordOfATime) {
  for (auto config : {LogConfig{}, small_segments()}) {
    start(config);
    for (bool cold : {false, true}) {
      if (cold) restart_cold();
      for (std::int64_t time = -5; time < 395; ++time) {
        // The record that is `time` ms after noon or the next: batch time / 10, record time % 10 up to 2.
        std::int64_t expected = 0;
        std::int64_t at = 0;
        if (time >= 0) {
          expected = time % 10 <= 2 ? time / 10 * 3 + time % 10 : (time / 10 + 1) * 3;
          at = time % 10 <= 2 ? time : (time / 10 + 1) * 10;
        }
        auto found = world->find_offset(noon + time);
        ASSERT_TRUE(found) << found.error().message;
        if (expected >= 120) {
          EXPECT_EQ(found->offset, Offset::none());
          continue;
        }
        EXPECT_EQ(found->offset, Offset(expected)) << time;
        EXPECT_EQ(found->timestamp, noon + at) << time;
        EXPECT_EQ(found->leader_epoch, LeaderEpoch(0));
      }
    }
  }
}

TEST_F(Reads, FindNoRecordBelowTheLogStartByTime) {
  world->log()->publish_high_watermark(world->log()->log_end_offset());
  ASSERT_TRUE(world->log()->advance_log_start_offset(Offset(7)));
  EXPECT_EQ(world->find_offset(TimestampMs(0))->offset, Offset(7));
}

// As Kafka: test/compat/answer_cases_fetch.py, "behind a high timestamp".
TEST_F(Reads, FindNoTimeBehindTheFirstSegmentThatHasHadSoHighAOne) {
  auto two_batches = small_segments();
  two_batches.segment_bytes = 1200;
  LogWorld descending(two_batches);
  ASSERT_TRUE(descending.start());
  const std::string value(490, 'x');
  for (const std::int64_t time : {1000, 0, 500, 600, 1100})
    ASSERT_TRUE(descending.append({.values = {value}, .timestamp = noon + time}));
  descending.log()->publish_high_watermark(descending.log()->log_end_offset());
  ASSERT_TRUE(descending.log()->advance_log_start_offset(Offset(1)));
  for (bool cold : {false, true}) {
    if (cold) {
      ASSERT_TRUE(descending.stop());
      ASSERT_TRUE(descending.start());
    }
    EXPECT_EQ(descending.find_offset(noon)->offset, Offset(1));
    for (const std::int64_t time : {1, 400, 500, 1000})
      EXPECT_EQ(descending.find_offset(noon + time)->offset, Offset::none()) << time;
    for (const std::int64_t time : {1001, 1100}) EXPECT_EQ(descending.find_offset(noon + time)->offset, Offset(4));
  }
}

TEST_F(Reads, FindTimesThatDoNotIncrease) {
  LogWorld mixed(small_segments());
  ASSERT_TRUE(mixed.start());
  std::vector<std::int64_t> times;
  SeededRandom random(3);
  for (int number = 0; number < 200; ++number) {
    times.push_back(static_cast<std::int64_t>(random.below(1000)));
    ASSERT_TRUE(mixed.append({.values = {"v"}, .timestamp = noon + times.back()}));
  }
  for (bool cold : {false, true}) {
    if (cold) {
      ASSERT_TRUE(mixed.stop());
      ASSERT_TRUE(mixed.start());
    }
    for (std::int64_t time = 0; time < 1010; time += 7) {
      auto first = std::ranges::find_if(times, [&](auto have) { return have >= time; });
      auto expected = first == times.end() ? Offset::none() : Offset(first - times.begin());
      EXPECT_EQ(mixed.find_offset(noon + time)->offset, expected) << time;
    }
    auto largest = std::ranges::max_element(times);
    auto found = mixed.find_offset(OffsetSpec::max_timestamp);
    EXPECT_EQ(found->offset, Offset(largest - times.begin()));
    EXPECT_EQ(found->timestamp, noon + *largest);
  }
}

TEST_F(Reads, KnowTheNamedOffsets) {
  world->log()->publish_high_watermark(world->log()->log_end_offset());
  ASSERT_TRUE(world->log()->advance_log_start_offset(Offset(5)));
  EXPECT_EQ(world->find_offset(OffsetSpec::earliest)->offset, Offset(5));
  EXPECT_EQ(world->find_offset(OffsetSpec::earliest_local)->offset, Offset(5));
  EXPECT_EQ(world->find_offset(OffsetSpec::latest)->offset, Offset(120));
  EXPECT_EQ(world->find_offset(OffsetSpec::latest)->leader_epoch, LeaderEpoch(0));
  EXPECT_EQ(world->find_offset(OffsetSpec::max_timestamp)->offset, Offset(119));
  EXPECT_EQ(world->find_offset(OffsetSpec::latest_tiered)->offset, Offset::none());
  LogWorld empty;
  ASSERT_TRUE(empty.start());
  EXPECT_EQ(empty.find_offset(OffsetSpec::max_timestamp)->offset, Offset::none());
  EXPECT_EQ(empty.find_offset(TimestampMs(0))->offset, Offset::none());
  EXPECT_EQ(empty.find_offset(OffsetSpec::latest)->offset, Offset(0));
}

// ---- rolls

struct Rolls : testing::Test {
  void start(const LogConfig& config) {
    world = std::make_unique<LogWorld>(config);
    ASSERT_TRUE(world->start());
  }
  std::uint32_t segments() { return world->log()->published().segments; }
  void append(std::int64_t later_ms = 0) {
    ASSERT_TRUE(world->append({.values = {"value"}, .timestamp = noon + later_ms}));
  }

  std::unique_ptr<LogWorld> world;
  std::int32_t batch_bytes = static_cast<std::int32_t>(make_batch({.values = {"value"}}).size());
};

TEST_F(Rolls, ComeBeforeTheBatchThatWouldMakeTheSegmentTooLarge) {
  LogConfig config;
  config.segment_bytes = batch_bytes * 2;
  start(config);
  append();
  append();
  EXPECT_EQ(segments(), 1U) << "exactly full";
  append();
  EXPECT_EQ(segments(), 2U);
  EXPECT_EQ(file_bytes(world->partition_path() + "/00000000000000000002.log").size(),
            static_cast<std::size_t>(batch_bytes));
  EXPECT_EQ(file_bytes(world->partition_path() + "/00000000000000000000.timeindex").size(), TimeIndex::entry_bytes)
      << "trimmed, with the largest timestamp";
  world->shard.run();
  EXPECT_EQ(world->log()->recovery_point(), Offset(2)) << "a sealed segment is synced";
  EXPECT_TRUE(*posix_file_system().exists(world->partition_path() + "/00000000000000000002.snapshot"));
}

TEST_F(Rolls, ComeWhenTheRecordsSpanSegmentMs) {
  LogConfig config;
  config.segment_ms = 1000;
  start(config);
  append();
  append(1000);
  EXPECT_EQ(segments(), 1U);
  append(1001);
  EXPECT_EQ(segments(), 2U);
  append(1500);
  EXPECT_EQ(segments(), 2U);
  ASSERT_TRUE(world->stop());
  ASSERT_TRUE(world->start());
  append(2002);
  EXPECT_EQ(segments(), 3U) << "a restart does not forget the first timestamp";
}

TEST_F(Rolls, OfRecordsWithoutATimeFollowTheClock) {
  LogConfig config;
  config.segment_ms = 1000;
  start(config);
  auto append_timeless = [&] { ASSERT_TRUE(world->append({.values = {"v"}, .timestamp = TimestampMs::none()})); };
  append_timeless();
  world->shard.advance(std::chrono::milliseconds(1000));
  append_timeless();
  EXPECT_EQ(segments(), 1U);
  world->shard.advance(std::chrono::milliseconds(1));
  append_timeless();
  EXPECT_EQ(segments(), 2U);
}

TEST_F(Rolls, ComeEarlierByUpToTheJitter) {
  LogConfig config;
  config.segment_ms = 1000;
  config.segment_jitter_ms = 400;
  std::set<std::int64_t> rolled_after;
  for (int topic = 0; topic < 10; ++topic) {
    if (topic == 0) start(config);
    const auto name = "topic" + std::to_string(topic);
    auto log = world->log(name);
    for (std::int64_t later = 0; log->published().segments == 1; later += 10) {
      auto batch = make_batch({.values = {"v"}, .timestamp = noon + later});
      ASSERT_TRUE(world->append_in_place(batch, AppendOrigin::client, name));
      if (log->published().segments == 2) rolled_after.insert(later);
    }
  }
  EXPECT_GT(rolled_after.size(), 4U) << "not all at once";
  EXPECT_GT(*rolled_after.begin(), 600);
  EXPECT_LE(*rolled_after.rbegin(), 1010);
}

TEST_F(Rolls, ComeWhenAnIndexIsFull) {
  LogConfig config;
  config.index_interval_bytes = 1;
  config.segment_index_bytes = 8 * 6;  // six offsets, four times of which one is kept for the end
  start(config);
  for (int later = 0; later < 20; ++later) append(later);
  EXPECT_EQ(segments(), 5U);
  EXPECT_EQ(world->read_all().size(), 20U);
  start(config);
  for (int number = 0; number < 20; ++number) append();
  EXPECT_EQ(segments(), 3U) << "one time makes one entry: it is the offsets that are full";
}

TEST_F(Rolls, FollowAChangedConfiguration) {
  start(LogConfig{});
  append();
  LogConfig smaller;
  smaller.segment_bytes = batch_bytes;
  world->log()->set_config(smaller);
  append();
  EXPECT_EQ(segments(), 2U);
}

}  // namespace
}  // namespace millrace::log::test
