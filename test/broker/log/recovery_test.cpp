// What a log has after every kind of stop: clean, killed, with a torn, zeroed or flipped tail.
#include <gtest/gtest.h>

#include <algorithm>

#include "broker/log/clean_shutdown_file.h"
#include "broker/log/time_index.h"
#include "test/broker/log/recovery_world.h"

namespace millrace::log::test {
namespace {

TEST_F(Recovery, FindsEverythingAfterACleanStopWithoutScanning) {
  for (int number = 0; number < 5; ++number) append(std::to_string(number), number);
  world->log()->publish_high_watermark(Offset(4));
  ASSERT_TRUE(world->stop());
  EXPECT_EQ(**read_clean_shutdown(posix_file_system(), world->data_path()), BrokerEpoch(42));
  EXPECT_EQ(file_bytes(segment(0, ".timeindex")).size(), TimeIndex::entry_bytes) << "trimmed";
  ASSERT_TRUE(world->start());
  EXPECT_TRUE(world->manager->had_clean_shutdown());
  EXPECT_FALSE(*posix_file_system().exists(world->data_path() + "/.kafka_cleanshutdown")) << "not clean from now on";
  const auto& report = world->log()->recovery();
  EXPECT_TRUE(report.clean);
  EXPECT_EQ(report.segments_scanned, 0U);
  EXPECT_EQ(world->log()->recovery_point(), Offset(5));
  EXPECT_EQ(world->log()->checkpointed_high_watermark(), Offset(4));
  EXPECT_EQ(world->log()->topic_id(), world->topic_id);
  EXPECT_EQ(world->log()->latest_leader_epoch(), LeaderEpoch(0));
  append("5");
  EXPECT_EQ(values(), (Values{"0", "1", "2", "3", "4", "5"}));
}

TEST_F(Recovery, FindsEverythingAfterAKill) {
  for (int number = 0; number < 5; ++number) append(std::to_string(number), number);
  world->kill();
  ASSERT_TRUE(world->start());
  EXPECT_FALSE(world->manager->had_clean_shutdown());
  const auto& report = world->log()->recovery();
  EXPECT_FALSE(report.clean);
  EXPECT_EQ(report.segments_scanned, 1U);
  EXPECT_EQ(report.truncated_bytes, 0U);
  EXPECT_EQ(values(), (Values{"0", "1", "2", "3", "4"}));
  EXPECT_EQ(world->find_offset(noon + 3)->offset, Offset(3)) << "the time index was built anew";
}

TEST_F(Recovery, CutsATornTailAtEveryByteOfTheLastTwoBatches) {
  append("first");
  append("second");
  const auto kept = world->log()->size_bytes();
  append("third");
  const auto kept_too = world->log()->size_bytes();
  append("fourth");
  world->shard.run();
  const auto whole = file_bytes(segment(0));
  for (auto size = kept; size <= whole.size(); ++size) {
    SCOPED_TRACE(size);
    restart_with(BytesView(whole).first(size));
    Values expected{"first", "second"};
    if (size >= kept_too) expected.emplace_back("third");
    if (size == whole.size()) expected.emplace_back("fourth");
    ASSERT_EQ(values(), expected);
    const auto& report = world->log()->recovery();
    auto left = size == whole.size() ? whole.size() : size >= kept_too ? kept_too : kept;
    ASSERT_EQ(report.truncated_bytes, size - left);
    ASSERT_EQ(report.truncated_at, size == left ? Offset::none() : Offset(static_cast<std::int64_t>(expected.size())));
    ASSERT_EQ(file_bytes(segment(0)).size(), left);
    append("next");
    expected.emplace_back("next");
    ASSERT_EQ(values(), expected);
  }
}

TEST_F(Recovery, CutsATailThatIsZerosFromAnyByteOn) {
  append("first");
  const auto kept = world->log()->size_bytes();
  append("second is longer, so that zeros make no whole batch of it");
  world->shard.run();
  const auto whole = file_bytes(segment(0));
  for (std::size_t extra : {0, 1, 4096}) {
    for (auto size = kept; size + 1 < whole.size(); ++size) {  // the last byte is a zero anyway
      SCOPED_TRACE(size);
      auto torn = whole;
      std::fill(torn.begin() + static_cast<std::ptrdiff_t>(size), torn.end(), 0);
      torn.resize(torn.size() + extra);
      restart_with(torn);
      ASSERT_TRUE(world->manager->unusable().empty()) << world->manager->unusable().front().second;
      ASSERT_EQ(values(), Values{"first"});
      ASSERT_EQ(file_bytes(segment(0)).size(), kept);
    }
  }
}

TEST_F(Recovery, CutsAtTheFirstBatchOfWhichAnyByteIsAnother) {
  append("first");
  const auto kept = world->log()->size_bytes();
  append("second");
  const auto end_of_second = world->log()->size_bytes();
  append("third");
  world->shard.run();
  const auto whole = file_bytes(segment(0));
  for (auto at = kept + 8; at < end_of_second; ++at) {  // no checksum covers the base offset …
    if (at - kept >= 12 && at - kept < 16) continue;    // … and the leader epoch
    for (std::uint8_t flip : {0x01, 0x02, 0x03, 0x80}) {
      SCOPED_TRACE(std::to_string(at - kept) + " ^ " + std::to_string(flip));
      auto bad = whole;
      bad[at] ^= flip;
      restart_with(bad);
      ASSERT_TRUE(world->manager->unusable().empty()) << world->manager->unusable().front().second;
      ASSERT_EQ(values(), Values{"first"});
      ASSERT_FALSE(world->log()->recovery().reason.empty());
    }
  }
}

TEST_F(Recovery, KeepsMessagesOfTheOldFormatWhoseChecksumIsRight) {
  append("first");
  world->shard.run();
  auto bytes = file_bytes(segment(0));
  // Offset 1, magic 1: crc, magic, attributes, timestamp, no key, no value.
  Bytes old(12 + 4 + 1 + 1 + 8 + 4 + 4);
  store_big_endian(old.data(), std::int64_t{1});
  store_big_endian(old.data() + 8, static_cast<std::int32_t>(old.size() - 12));
  store_big_endian(old.data() + 12, std::uint32_t{0xcc2f79d9});
  old[16] = 1;
  std::fill(old.end() - 8, old.end(), 0xff);
  auto with_old = joined({bytes, old});
  world->kill();
  write_file(segment(0), with_old);
  ASSERT_TRUE(world->start());
  EXPECT_TRUE(world->manager->unusable().empty());
  EXPECT_EQ(world->log()->log_end_offset(), Offset(2));
  EXPECT_EQ(file_bytes(segment(0)), with_old);
  ++with_old.back();
  world->kill();
  write_file(segment(0), with_old);
  ASSERT_TRUE(world->start());
  EXPECT_TRUE(world->manager->unusable().empty()) << "no message of any format: a torn write";
  EXPECT_EQ(values(), Values{"first"});
}

TEST_F(Recovery, CutsNothingBelowTheRecoveryPoint) {
  append("first");
  append("second");
  flush();
  ASSERT_TRUE(world->manager->write_checkpoints());
  append("third");
  world->shard.run();
  const auto whole = file_bytes(segment(0));
  auto bad = whole;
  bad[whole.size() - 1] ^= 1;
  restart_with(bad);
  EXPECT_EQ(values(), (Values{"first", "second"})) << "above it";
  EXPECT_EQ(world->log()->recovery_point(), Offset(2));
  bad[100] ^= 1;
  restart_with(bad);
  ASSERT_EQ(world->manager->unusable().size(), 1U);
  EXPECT_NE(world->manager->unusable().front().second.find("synced"), std::string::npos)
      << world->manager->unusable().front().second;
  EXPECT_EQ(file_bytes(segment(0)), bad);
  EXPECT_EQ(world->manager->find({"events", PartitionIndex(0)}), nullptr);
  ASSERT_TRUE(world->manager->write_checkpoints());
  restart_with(whole);
  EXPECT_EQ(values(), (Values{"first", "second", "third"})) << "and nothing is forgotten of it meanwhile";
  EXPECT_EQ(world->log()->recovery_point(), Offset(2));
}

}  // namespace
}  // namespace millrace::log::test
