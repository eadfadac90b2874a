// What a scrub of closed segments finds: everything that does not fit, where it is, and nothing else.
#include <gtest/gtest.h>

#include <filesystem>

#include "test/broker/log/scrub_world.h"
#include "test/support/source_tree.h"

namespace millrace::log::test {
namespace {

const std::string first_segment = "00000000000000000000";

struct SegmentScrubbing : testing::Test {
  void SetUp() override {
    ASSERT_TRUE(scrubbed.world.start());
    scrubbed.write_everything();
    ASSERT_GT(scrubbed.world.log()->published().segments, 4U);
  }
  // The only finding.
  std::string found() {
    const auto findings = scrubbed.scrub();
    EXPECT_EQ(findings.size(), 1U);
    for (const auto& finding : findings) SCOPED_TRACE(finding.what);
    return findings.empty() ? "" : findings.front().what;
  }
  std::uint64_t batches() { return scrubbed.reports().batches(FoundBy::scrub); }
  std::uint64_t index_entries() { return scrubbed.reports().index_entries(FoundBy::scrub); }

  ScrubWorld scrubbed;
};

TEST_F(SegmentScrubbing, FindsNothingInASoundLog) {
  EXPECT_TRUE(scrubbed.scrub().empty());
  ASSERT_TRUE(scrubbed.world.stop());
  ASSERT_TRUE(scrubbed.world.start());
  EXPECT_TRUE(scrubbed.scrub().empty());
  EXPECT_FALSE(scrubbed.world.log()->is_damaged());
}

TEST_F(SegmentScrubbing, FindsNothingInWhatRecoveryBuildsAnew) {
  scrubbed.world.kill();
  ASSERT_TRUE(scrubbed.world.start());
  EXPECT_TRUE(scrubbed.scrub().empty());
}

TEST_F(SegmentScrubbing, NamesTheBatchWhoseChecksumIsWrongAndMarksTheLog) {
  const auto at = scrubbed.positions(first_segment + ".log")[1];
  scrubbed.flip(first_segment + ".log", at + 70);
  const auto what = found();
  EXPECT_NE(what.find(first_segment + ".log position " + std::to_string(at)), std::string::npos) << what;
  EXPECT_NE(what.find("offset 2 has CRC"), std::string::npos) << what;
  EXPECT_TRUE(scrubbed.world.log()->is_damaged());
  EXPECT_EQ(batches(), 1U);
  EXPECT_EQ(scrubbed.reports().damaged_logs(), 1);
}

TEST_F(SegmentScrubbing, CountsWhatItFindsAgainOnce) {
  scrubbed.flip(first_segment + ".log", scrubbed.positions(first_segment + ".log")[1] + 70);
  scrubbed.scrub();
  scrubbed.scrub();
  EXPECT_EQ(batches(), 1U);
}

TEST_F(SegmentScrubbing, GoesOnBehindABatchWhoseLengthIsWrong) {
  const auto positions = scrubbed.positions(first_segment + ".log");
  scrubbed.flip(first_segment + ".log", positions[1] + 10, 0x40);
  scrubbed.flip(first_segment + ".log", positions[3] + 70);
  EXPECT_EQ(scrubbed.scrub().size(), 2U);
  EXPECT_EQ(batches(), 2U);
}

TEST_F(SegmentScrubbing, FindsABaseOffsetThatHasGrownAtItsOwnBatch) {
  const auto at = scrubbed.positions(first_segment + ".log")[1];
  scrubbed.flip(first_segment + ".log", at + 7, 0x02);  // 2 becomes 0
  EXPECT_NE(found().find("position " + std::to_string(at) + ":"), std::string::npos);
  scrubbed.flip(first_segment + ".log", at + 7, 0x02);
  scrubbed.flip(first_segment + ".log", at + 7, 0x04);  // 2 becomes 6
  EXPECT_NE(found().find("position " + std::to_string(at) + ":"), std::string::npos);
}

TEST_F(SegmentScrubbing, FindsALeaderEpochThatTheCacheDoesNotHave) {
  scrubbed.flip(first_segment + ".log", scrubbed.positions(first_segment + ".log")[2] + 15);
  EXPECT_NE(found().find("leader epoch 1, but epoch 0 begins at offset 0"), std::string::npos);
}

TEST_F(SegmentScrubbing, FindsIndexEntriesThatLeadAstrayAndDoesNotMarkTheLog) {
  for (const std::string suffix : {".index", ".timeindex"}) {
    const auto path = scrubbed.world.partition_path() + "/" + first_segment + suffix;
    const auto sound = file_bytes(path);
    for (std::size_t byte = 0; byte < (suffix == ".index" ? 8U : 12U); ++byte) {
      scrubbed.flip(first_segment + suffix, byte, 0x10);
      if (file_bytes(path) == sound) continue;  // the start has seen it
      EXPECT_NE(found().find(first_segment + suffix + ": entry 0"), std::string::npos) << suffix << byte;
      scrubbed.flip(first_segment + suffix, byte, 0x10);
    }
  }
  EXPECT_FALSE(scrubbed.world.log()->is_damaged());
  EXPECT_EQ(batches(), 0U);
}

// Whole transactions in one closed segment.
struct TransactionIndexScrubbing : testing::Test {
  void SetUp() override {
    ASSERT_TRUE(scrubbed.world.start());
    scrubbed.write_transaction(ProducerId(1), true);
    scrubbed.write_interleaved(ProducerId(5000), ProducerId(6000));
    scrubbed.write_interleaved(ProducerId(7000), ProducerId(8000));
    ASSERT_TRUE(scrubbed.world.append({.values = {std::string(4500, 'x')}}));
    ASSERT_EQ(scrubbed.world.log()->published().segments, 2U);
    sound = file_bytes(path());
    ASSERT_EQ(sound.size(), 4U * 34);
  }
  [[nodiscard]] std::string path() const { return scrubbed.world.partition_path() + "/" + name; }
  static LogConfig one_large_segment() {
    auto config = small_segments();
    config.segment_bytes = 5000;
    return config;
  }

  const std::string name = first_segment + ".txnindex";
  ScrubWorld scrubbed{one_large_segment()};
  Bytes sound;
};

TEST_F(TransactionIndexScrubbing, FindsEveryWrongEntryThatTheStartDoesNotMend) {
  std::size_t mended = 0;
  for (std::size_t byte = 0; byte < sound.size(); ++byte) {
    scrubbed.flip(name, byte, 0x04);
    if (file_bytes(path()) == sound) {
      ++mended;
      continue;
    }
    EXPECT_FALSE(scrubbed.scrub().empty()) << byte;
    scrubbed.flip(name, byte, 0x04);
  }
  EXPECT_LT(mended, sound.size() / 2);
}

TEST_F(TransactionIndexScrubbing, FindsAMissingEntry) {
  ASSERT_TRUE(scrubbed.world.stop());
  write_file(path(), Bytes(sound.begin() + 34, sound.end()));
  ASSERT_TRUE(scrubbed.world.start());
  const auto findings = scrubbed.scrub();
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_NE(findings.front().what.find("has no entry of the transaction of producer 5000"), std::string::npos);
  EXPECT_EQ(scrubbed.reports().index_entries(FoundBy::scrub), 1U);
}

TEST_F(SegmentScrubbing, PassesOverASegmentThatHasLeftTheLog) {
  scrubbed.flip(first_segment + ".log", scrubbed.positions(first_segment + ".log")[1] + 70);
  auto log = scrubbed.world.log();
  SegmentScrub scrub(*log->segment_to_scrub(Offset(0)));
  ASSERT_TRUE(log->advance_log_start_offset(scrub.segment().end));
  log->apply_retention(scrubbed.world.shard.clock().wall_clock());
  scrubbed.world.shard.run();
  ASSERT_FALSE(scrub.step(1 << 20).value());
  ASSERT_EQ(scrub.findings().size(), 1U);
  EXPECT_TRUE(log->scrubbed(scrub.segment(), scrub.findings()));
  EXPECT_FALSE(log->is_damaged());
}

TEST_F(SegmentScrubbing, ForgetsTheDamageWithTheSegmentThatHasIt) {
  scrubbed.flip(first_segment + ".log", scrubbed.positions(first_segment + ".log")[1] + 70);
  scrubbed.scrub();
  auto log = scrubbed.world.log();
  ASSERT_TRUE(log->is_damaged());
  ASSERT_TRUE(log->advance_log_start_offset(log->segment_to_scrub(Offset(0))->end));
  log->apply_retention(scrubbed.world.shard.clock().wall_clock());
  scrubbed.world.shard.run();
  EXPECT_FALSE(log->is_damaged());
  EXPECT_EQ(scrubbed.reports().damaged_logs(), 0);
}

// Kafka's own indexes: an entry for all that was appended together, offsets of records in the time index.
TEST(KafkasSegments, HaveNothingToFind) {
  std::size_t segments = 0;
  for (const std::string name : {"kafka_3_9_clean", "kafka_3_9_killed", "kafka_3_9_transactions_clean",
                                 "kafka_3_9_transactions_recovered", "kafka_3_9_old_formats_recovered"}) {
    ScrubWorld scrubbed;
    scrubbed.world.options.cluster_id.clear();
    scrubbed.world.options.broker_id = BrokerId::none();
    const auto golden = source_path("test/broker/log/golden/" + name);
    std::filesystem::copy(golden, scrubbed.world.data_path(), std::filesystem::copy_options::recursive);
    write_file(scrubbed.world.data_path() + "/.kafka_cleanshutdown", as_bytes("{\"version\":0,\"brokerEpoch\":1}"));
    ASSERT_TRUE(scrubbed.world.manager == nullptr);
    auto started = scrubbed.world.start();
    if (!started) {
      ASSERT_TRUE(scrubbed.world.manager->set_identity(BrokerId(1), "1gdzRcRMRMyxOSdkj0JfkA"));
      started = scrubbed.world.manager->load([&](const std::string&) { return scrubbed.world.config; });
    }
    ASSERT_TRUE(started) << started.error().message;
    for (const auto& log : scrubbed.world.manager->logs()) {
      segments += log->published().segments - 1;
      for (const auto& finding : scrubbed.scrub(log->topic_partition().topic)) ADD_FAILURE() << finding.what;
    }
  }
  EXPECT_GT(segments, 0U);
}

}  // namespace
}  // namespace millrace::log::test
