// Truncation: what is left, in memory and on the disk, is what a log built anew from the remaining records would be.
#include <gtest/gtest.h>

#include <algorithm>

#include "broker/base/logging.h"
#include "test/broker/log/truncation_world.h"

namespace millrace::log::test {
namespace {

TEST_P(Truncation, EndsTheLogAtTheOffset) {
  fill(12);
  ASSERT_TRUE(truncate(18));
  EXPECT_EQ(end(), Offset(18));
  EXPECT_EQ(world->read_all().size(), 18U);
  auto behind = world->read(Offset(19));
  ASSERT_FALSE(behind);
  EXPECT_EQ(behind.error().kind, ReadErrorKind::offset_out_of_range);
  EXPECT_EQ(world->read(Offset(18))->records.length_bytes, 0U);
  expect_as_rebuilt();
  ASSERT_TRUE(world->append({.values = {"after"}}));
  EXPECT_EQ(world->read_all().back(), (ReadRecord{Offset(18), "after"}));
  expect_as_rebuilt();
}

TEST_P(Truncation, TakesABatchThatStraddlesTheOffsetAsAWhole) {
  fill(5);
  ASSERT_TRUE(truncate(7));
  EXPECT_EQ(end(), Offset(6));
  expect_as_rebuilt();
}

TEST_P(Truncation, ToTheEndOrBeyondChangesNothing) {
  fill(5);
  const auto before = answers_of(*world);
  ASSERT_TRUE(truncate(10));
  ASSERT_TRUE(truncate(1000));
  EXPECT_EQ(answers_of(*world), before);
}

TEST_P(Truncation, RefusesANegativeOffset) {
  auto refused = truncate(-1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::invalid_argument);
}

TEST_P(Truncation, RemovesLaterSegmentsTheNewestFirst) {
  fill(12);
  flush();
  ASSERT_GT(log().published().segments, 2U);
  const auto before = names(".log");
  ASSERT_TRUE(truncate(1));
  EXPECT_EQ(end(), Offset(0));
  EXPECT_EQ(names(".log").size(), 1U);
  EXPECT_EQ(names(".log.deleted").size(), before.size() - 1);
  EXPECT_EQ(names(".snapshot"), std::vector<std::string>());
  world->shard.advance(std::chrono::milliseconds(world->config.file_delete_delay_ms));
  world->shard.run();
  EXPECT_TRUE(names(".deleted").empty());
  EXPECT_EQ(log().size_bytes(), 0U);
}

TEST_P(Truncation, MovesTheLogStartWhenThatLiesAboveTheCut) {
  fill(12);
  flush();
  log().publish_high_watermark(Offset(24));
  ASSERT_TRUE(log().advance_log_start_offset(Offset(5)));
  ASSERT_TRUE(world->manager->write_checkpoints());
  EXPECT_EQ(checkpointed(log_start_checkpoint_name), 5);
  ASSERT_TRUE(truncate(2));
  EXPECT_EQ(log().log_start_offset(), Offset(2));
  EXPECT_EQ(end(), Offset(2));
  EXPECT_EQ(checkpointed(log_start_checkpoint_name), 2);
  EXPECT_EQ(checkpointed(recovery_point_checkpoint_name), 2);
  EXPECT_EQ(checkpointed(high_watermark_checkpoint_name), 2);
  world->kill();
  ASSERT_TRUE(world->start());
  EXPECT_EQ(log().log_start_offset(), Offset(2));
  EXPECT_EQ(end(), Offset(2));
}

TEST_P(Truncation, BringsTheRecoveryPointDownOnTheDiskBeforeItAnswers) {
  fill(12);
  flush();
  ASSERT_TRUE(world->manager->write_checkpoints());
  EXPECT_EQ(checkpointed(recovery_point_checkpoint_name), 24);
  ASSERT_TRUE(truncate(10));
  EXPECT_EQ(log().recovery_point(), Offset(10));
  EXPECT_EQ(checkpointed(recovery_point_checkpoint_name), 10);
}

TEST_P(Truncation, LowersTheHighWatermarkToTheEnd) {
  fill(6);
  log().publish_high_watermark(Offset(12));
  ASSERT_TRUE(truncate(8));
  EXPECT_EQ(log().published().high_watermark, 8);
  EXPECT_EQ(checkpointed(high_watermark_checkpoint_name), 8);
}

TEST_P(Truncation, FullyBeginsAnewWherever) {
  for (std::int64_t offset : {100, 7, 0, 12}) {
    CrashFileSystem own(random);
    world = make_world(of_small_segments(), own);
    ASSERT_TRUE(world->start());
    auto names = [&](std::string_view suffix) { return names_in(own, suffix); };
    SCOPED_TRACE(offset);
    world->leader_epoch = LeaderEpoch(3);
    fill(12);
    log().publish_high_watermark(Offset(20));
    ASSERT_TRUE(truncate(offset, true));
    EXPECT_EQ(log().log_start_offset(), Offset(offset));
    EXPECT_EQ(end(), Offset(offset));
    EXPECT_EQ(log().published().high_watermark, offset);
    EXPECT_EQ(log().latest_leader_epoch(), LeaderEpoch::none());
    EXPECT_EQ(names(".log"), std::vector<std::string>{segment_file_name(Offset(offset), ".log")});
    ASSERT_TRUE(world->append({.values = {"after"}}));
    EXPECT_EQ(world->read_all(Offset(offset)), (std::vector<ReadRecord>{{Offset(offset), "after"}}));
    world->kill();
    ASSERT_TRUE(world->start());
    EXPECT_EQ(log().log_start_offset(), Offset(offset));
    EXPECT_EQ(world->read_all(Offset(offset)), (std::vector<ReadRecord>{{Offset(offset), "after"}}));
    world.reset();
  }
}

TEST_P(Truncation, BelowTheFirstSegmentBeginsAnewThere) {
  fill(12);
  log().publish_high_watermark(Offset(24));
  ASSERT_TRUE(log().advance_log_start_offset(Offset(13)));
  log().apply_retention(noon);  // its segments are on their way out
  ASSERT_TRUE(truncate(3));
  EXPECT_EQ(log().log_start_offset(), Offset(3));
  EXPECT_EQ(end(), Offset(3));
  EXPECT_EQ(names(".log"), std::vector<std::string>{segment_file_name(Offset(3), ".log")});
  world->kill();
  ASSERT_TRUE(world->start());
  EXPECT_EQ(end(), Offset(3));
}

// ---- among appends, flushes and reads

TEST_P(Truncation, IsAStepBetweenTheAppends) {
  fill(3);
  std::vector<std::string> order;
  const auto bytes = make_batch({.values = {"later"}});
  auto behind = bytes;
  log().truncate_to(Offset(2), [&](const Status& status) { order.emplace_back(status ? "cut" : "failed"); });
  log().append({behind, AppendOrigin::client, LeaderEpoch(0), noon}, [&](const AppendOutcome& outcome) {
    order.push_back("appended at " + std::to_string(outcome ? outcome->base_offset.value() : -1));
  });
  world->shard.run();
  EXPECT_EQ(order, (std::vector<std::string>{"cut", "appended at 2"}));
}

TEST_P(Truncation, RefusesAppendsWhoseRecordsGoBeforeTheyAreSynced) {
  fill(2);
  std::vector<std::string> outcomes;
  std::vector<Bytes> batches;
  for (const auto* value : {"a", "b", "c"}) batches.push_back(make_batch({.values = {value}}));
  for (auto& batch : batches) {
    log().append({batch, AppendOrigin::client, LeaderEpoch(0), noon}, [&](const AppendOutcome& outcome) {
      outcomes.push_back(outcome ? "kept" : outcome.error().kind == AppendErrorKind::closed ? "gone" : "?");
    });
  }
  EXPECT_EQ(end(), Offset(7));
  bool flushed = false;
  log().flush([&](const Status& status) { flushed = status.has_value(); });
  ASSERT_TRUE(truncate(5));
  EXPECT_TRUE(flushed);
  const bool one_by_one = GetParam().flush_messages == 1 && GetParam().journal_files == 0;
  if (one_by_one) {
    EXPECT_EQ(outcomes, (std::vector<std::string>{"kept", "gone", "gone"})) << "the sync under way was of the first";
  } else {
    EXPECT_EQ(outcomes, (std::vector<std::string>{"kept", "kept", "kept"}))
        << "in the journal they come before the cut";
  }
  files.crash();
  world->kill();
  files.restart();
  ASSERT_TRUE(world->start());
  EXPECT_EQ(end(), Offset(5));
  EXPECT_EQ(world->read_all().back(), (ReadRecord{Offset(4), "a"}));
}

TEST_P(Truncation, LetsReadsWaitThatComeWhileItWorks) {
  fill(12);
  flush();
  std::vector<std::string> order;
  auto read = [&](std::int64_t offset) {
    log().read({Offset(offset), Offset(1000), 1 << 20, true}, [&, offset](const ReadOutcome& outcome) {
      order.push_back(std::to_string(offset) + (!outcome                                            ? " is out of range"
                                                : outcome->records.length_bytes == 0                ? " is the end"
                                                : outcome->log_end_offset == log().log_end_offset() ? " is there"
                                                                                                    : " is stale"));
    });
  };
  bool cut = false;
  log().truncate_to(Offset(9), [&](const Status& status) {
    EXPECT_TRUE(status);
    cut = true;
  });
  while (!cut) {
    // Job by job: the pool's are jobs of the shard here.
    bool once = false;
    world->shard.post([&] {
      if (!once) read(20);
      once = true;
    });
    world->shard.run();
  }
  read(0);
  read(8);
  read(9);
  world->shard.run();
  for (const auto& line : order) EXPECT_FALSE(line.ends_with("stale")) << line;
  EXPECT_NE(std::ranges::find(order, "0 is there"), order.end());
  EXPECT_NE(std::ranges::find(order, "8 is the end"), order.end());
  EXPECT_NE(std::ranges::find(order, "9 is out of range"), order.end());
}

TEST_P(Truncation, AnswersColdReadsThatItOvertakesWithWhatIsLeft) {
  fill(12);
  flush();
  world->kill();
  ASSERT_TRUE(world->start());
  std::size_t answered = 0;
  for (std::int64_t offset : {0, 6, 7, 8, 20, 24}) {
    log().read({Offset(offset), Offset(24), 1 << 20, true}, [&](const ReadOutcome& outcome) {
      ++answered;
      if (!outcome) EXPECT_EQ(outcome.error().kind, ReadErrorKind::offset_out_of_range) << outcome.error().message;
    });
    log().find_offset(noon + 1100, [&](const TimestampOutcome& found) {
      ++answered;
      EXPECT_TRUE(found) << found.error().message;
    });
  }
  ASSERT_TRUE(truncate(6));
  EXPECT_EQ(end(), Offset(6));
  EXPECT_EQ(answered, 12U);
  EXPECT_EQ(world->find_offset(noon + 1100)->offset, Offset::none());
}

TEST_P(Truncation, OfALogThatHasStoppedIsRefused) {
  fill(3);
  log().stop();
  auto refused = truncate(2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
}

TEST_P(Truncation, ThatTheDiskRefusesTakesTheLogOffline) {
  set_log_level(LogLevel::off);
  fill(12);
  flush();
  const auto held = world->log();
  files.crash_after = 1;
  std::optional<Status> outcome;
  held->truncate_to(Offset(4), [&](Status status) { outcome = std::move(status); });
  std::optional<ReadOutcome> read;
  world->shard.run();
  held->read({Offset(0), Offset(2), 100, true}, [&](ReadOutcome got) { read = std::move(got); });
  world->shard.run();
  set_log_level(LogLevel::info);
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(*outcome);
  EXPECT_TRUE(held->is_offline());
  ASSERT_TRUE(read && !*read);
  EXPECT_EQ(read->error().kind, ReadErrorKind::storage);
}

TEST_P(Truncation, OfADamagedSegmentIsRefusedAndChangesNothing) {
  set_log_level(LogLevel::off);
  auto config = of_small_segments();
  config.index_interval_bytes = 4096;
  start(config);
  fill(3);
  flush();
  auto file = files.open(world->partition_path() + "/" + segment_file_name(Offset(0), ".log"), OpenMode::read_write);
  ASSERT_TRUE((*file)->write_at(8, Bytes{0x7f, 0xff, 0xff, 0xff}));
  auto refused = truncate(4);
  set_log_level(LogLevel::info);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::corrupt) << refused.error().message;
  EXPECT_EQ(end(), Offset(6));
  EXPECT_FALSE(log().is_offline());
}

INSTANTIATE_TEST_SUITE_P(Modes, Truncation, testing::ValuesIn(sync_modes), sync_mode_name);

}  // namespace
}  // namespace millrace::log::test
