// What a log of many segments has after a stop: with segments, parts of them or their indexes gone or damaged, and with
// what interrupted work has left.
#include <gtest/gtest.h>

#include <algorithm>

#include "broker/log/checkpoint_file.h"
#include "broker/log/offset_index.h"
#include "broker/log/time_index.h"
#include "broker/protocol/record_batch.h"
#include "test/broker/log/recovery_world.h"

namespace millrace::log::test {
namespace {

TEST_F(SegmentedRecovery, ScansFromTheSegmentOfTheRecoveryPointOn) {
  ASSERT_TRUE(world->manager->write_checkpoints());
  world->kill();
  ASSERT_TRUE(world->start());
  EXPECT_EQ(world->log()->recovery_point(), Offset(bases.back())) << "every roll syncs";
  EXPECT_EQ(world->log()->recovery().segments_scanned, 1U);
  EXPECT_EQ(values(), all());
}

TEST_F(SegmentedRecovery, BuildsIndexesThatAreGoneOrWrong) {
  ASSERT_TRUE(world->stop());
  const auto offsets = file_bytes(segment(bases[1], ".index"));
  const auto times = file_bytes(segment(bases[1], ".timeindex"));
  ASSERT_FALSE(offsets.empty());
  for (const std::string suffix : {".index", ".timeindex"}) {
    for (int damage = 0; damage < 3; ++damage) {
      SCOPED_TRACE(suffix + " " + std::to_string(damage));
      const auto path = segment(bases[1], suffix);
      auto bytes = file_bytes(path);
      if (damage == 0) ASSERT_TRUE(posix_file_system().remove(path));
      if (damage == 1) bytes.push_back(1);
      if (damage == 2) std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size()) / 2, bytes.end(), 0);
      if (damage != 0) write_file(path, bytes);
      ASSERT_TRUE(world->start());
      EXPECT_EQ(world->log()->recovery().segments_scanned, 1U);
      EXPECT_EQ(file_bytes(segment(bases[1], ".index")), offsets);
      EXPECT_EQ(file_bytes(segment(bases[1], ".timeindex")), times);
      EXPECT_EQ(values(), all());
      for (int time = 0; time < count; ++time) EXPECT_EQ(world->find_offset(noon + time)->offset, Offset(time));
      ASSERT_TRUE(world->stop());
    }
  }
}

// Kafka before 3.9.1 makes one entry for all that a follower appends at once: of all but the first batch, say.
TEST_F(SegmentedRecovery, BelievesAnEntryOfManyBatchesThatWereAppendedTogether) {
  ASSERT_TRUE(world->manager->write_checkpoints());
  world->kill();
  const auto base = bases[bases.size() - 2];
  Bytes entry(8);
  store_big_endian(entry.data(), static_cast<std::int32_t>(bases.back() - 1 - base));
  const auto first = protocol::parse_batch_prefix(file_bytes(segment(base)))->size_bytes();
  store_big_endian(entry.data() + 4, static_cast<std::uint32_t>(first));
  write_file(segment(base, ".index"), entry);
  ASSERT_TRUE(world->start());
  EXPECT_EQ(world->log()->recovery().segments_scanned, 1U) << "the active one";
  EXPECT_EQ(file_bytes(segment(base, ".index")), entry);
  EXPECT_EQ(values(), all());
  // One entry less is too few.
  world->kill();
  store_big_endian(entry.data(), static_cast<std::int32_t>(bases.back() - 2 - base));
  write_file(segment(base, ".index"), entry);
  ASSERT_TRUE(world->start());
  EXPECT_EQ(world->log()->recovery().segments_scanned, 2U);
  EXPECT_GT(file_bytes(segment(base, ".index")).size(), entry.size());
}

TEST_F(SegmentedRecovery, DropsTheSegmentsBehindOneThatIsCut) {
  world->kill();
  auto bytes = file_bytes(segment(bases[1]));
  bytes.back() ^= 1;
  write_file(segment(bases[1]), bytes);
  auto recovery_points =
      read_offset_checkpoint(posix_file_system(), world->data_path() + "/recovery-point-offset-checkpoint");
  ASSERT_TRUE(recovery_points && recovery_points->empty());
  ASSERT_TRUE(world->start());
  EXPECT_EQ(values(), below(bases[2] - 1));
  for (std::size_t number = 2; number < bases.size(); ++number) {
    for (const std::string suffix : {".log", ".index", ".timeindex", ".snapshot"})
      EXPECT_FALSE(*posix_file_system().exists(segment(bases[number], suffix))) << bases[number] << suffix;
  }
  append("next");
  EXPECT_EQ(world->log()->log_end_offset(), Offset(bases[2]));
}

TEST_F(SegmentedRecovery, DropsTheSegmentsBehindOneThatLostItsLastBatches) {
  // The system wrote the later segment's pages first: whole batches are missing at the end of the earlier one.
  world->kill();
  const auto bytes = file_bytes(segment(bases[1]));
  protocol::BatchReader batches(bytes);
  ASSERT_TRUE(*batches.next());
  write_file(segment(bases[1]), BytesView(bytes).first(batches.next_position()));
  ASSERT_TRUE(world->start());
  EXPECT_EQ(values(), below(bases[1] + 1)) << "a log ends where its first record is missing";
}

TEST_F(SegmentedRecovery, CutsWhatAFailedAppendLeftBehindASealedSegmentAndNothingElse) {
  ASSERT_TRUE(world->stop());
  ASSERT_TRUE(posix_file_system().remove(segment(bases[1], ".index")));
  auto bytes = file_bytes(segment(bases[1]));
  const auto good = bytes;
  bytes.insert(bytes.end(), 40, 0x11);
  write_file(segment(bases[1]), bytes);
  ASSERT_TRUE(world->start());
  ASSERT_TRUE(world->manager->unusable().empty());
  EXPECT_EQ(values(), all());
  EXPECT_EQ(file_bytes(segment(bases[1])), good);
}

TEST_F(SegmentedRecovery, RemovesAnEmptySegmentThatBeginsWithinTheOneBeforeIt) {
  world->kill();
  write_file(segment(bases.back() + 1), {});
  ASSERT_TRUE(world->start());
  EXPECT_EQ(values(), all());
  EXPECT_FALSE(*posix_file_system().exists(segment(bases.back() + 1)));
}

TEST_F(SegmentedRecovery, SurvivesDamageThatOnlyShowsWithTheIndexesOfACleanStop) {
  ASSERT_TRUE(world->stop());
  ASSERT_TRUE(posix_file_system().remove(segment(bases[0], ".index")));
  ASSERT_TRUE(posix_file_system().remove(world->data_path() + "/recovery-point-offset-checkpoint"));
  auto bytes = file_bytes(segment(bases[0]));
  bytes.back() ^= 1;
  write_file(segment(bases[0]), bytes);
  ASSERT_TRUE(world->start());
  ASSERT_TRUE(world->manager->unusable().empty());
  EXPECT_EQ(values(), below(bases[1] - 1));
  const auto progress = world->manager->directories().front();
  EXPECT_EQ(progress.segments_total, 1U) << "those that it took along were not to be recovered";
  EXPECT_EQ(progress.segments_recovered, 1U);
}

// Their entries may come to the disk later than the records and the recovery point.
TEST_F(SegmentedRecovery, BuildsIndexesAnewThatDoNotEndWhereTheRecoveryPointIs) {
  const auto before = bases[bases.size() - 2];
  ASSERT_TRUE(world->manager->write_checkpoints());
  ASSERT_EQ(world->log()->recovery_point(), Offset(bases.back()));
  for (const std::string suffix : {".index", ".timeindex"}) {
    const auto entry_bytes = suffix == ".index" ? OffsetIndex::entry_bytes : TimeIndex::entry_bytes;
    for (const bool behind : {false, true}) {
      SCOPED_TRACE(suffix + (behind ? " goes on behind its end" : " ends too early"));
      world->kill();
      const auto whole = file_bytes(segment(before, suffix));
      ASSERT_GT(whole.size(), entry_bytes);
      auto wrong = whole;
      if (behind) {
        // The last entry again, for the offset and the time behind it.
        wrong.insert(wrong.end(), whole.end() - static_cast<std::ptrdiff_t>(entry_bytes), whole.end());
        const auto offset_at = wrong.size() - (suffix == ".index" ? entry_bytes : 4);
        store_big_endian(wrong.data() + offset_at, static_cast<std::int32_t>(bases.back() - before));
        if (suffix == ".timeindex")
          store_big_endian(wrong.data() + wrong.size() - entry_bytes, (noon + bases.back()).value());
      } else {
        wrong.resize(whole.size() - entry_bytes);
      }
      write_file(segment(before, suffix), wrong);
      ASSERT_TRUE(world->start());
      EXPECT_EQ(file_bytes(segment(before, suffix)), whole);
      EXPECT_EQ(values(), all());
      for (int time = 0; time < count; ++time) EXPECT_EQ(world->find_offset(noon + time)->offset, Offset(time));
    }
  }
}

TEST_F(SegmentedRecovery, ChecksALastSegmentThatDoesNotEndWithAWholeBatchAfterACleanStop) {
  ASSERT_TRUE(world->stop());
  auto bytes = file_bytes(segment(bases.back()));
  bytes.resize(bytes.size() + 100);
  write_file(segment(bases.back()), bytes);
  ASSERT_TRUE(world->start());
  EXPECT_EQ(world->log()->recovery().truncated_bytes, 100U);
  EXPECT_EQ(values(), all());
}

TEST_F(SegmentedRecovery, RemovesWhatInterruptedWorkHasLeft) {
  ASSERT_TRUE(world->stop());
  for (const std::string& name :
       {segment(bases[1] - 1, ".index"), segment(0, ".log.deleted"), segment(0, ".log.cleaned"),
        world->partition_path() + "/leader-epoch-checkpoint.tmp", segment(bases[1] + 1, ".snapshot")}) {
    write_file(name, as_bytes("rest"));
  }
  ASSERT_TRUE(world->start());
  EXPECT_EQ(values(), all());
  for (const auto& name : names_in(world->partition_path())) {
    EXPECT_FALSE(name.ends_with(".deleted") || name.ends_with(".cleaned") || name.ends_with(".tmp")) << name;
  }
  EXPECT_FALSE(*posix_file_system().exists(segment(bases[1] - 1, ".index")));
  EXPECT_FALSE(*posix_file_system().exists(segment(bases[1] + 1, ".snapshot"))) << "of no segment";
}

TEST_F(SegmentedRecovery, CompletesASwapThatWasInterrupted) {
  ASSERT_TRUE(world->stop());
  auto merged = joined({file_bytes(segment(bases[0])), file_bytes(segment(bases[1]))});
  write_file(segment(0, ".log.swap"), merged);
  ASSERT_TRUE(world->start());
  EXPECT_EQ(values(), all());
  EXPECT_EQ(file_bytes(segment(0)), merged);
  EXPECT_FALSE(*posix_file_system().exists(segment(bases[1])));
}

TEST_F(SegmentedRecovery, StartsWhereEverythingBelowWasDeleted) {
  world->log()->publish_high_watermark(world->log()->log_end_offset());
  ASSERT_TRUE(world->log()->advance_log_start_offset(Offset(bases[1] + 1)));
  ASSERT_TRUE(world->manager->write_checkpoints());
  world->kill();
  ASSERT_TRUE(world->start());
  EXPECT_EQ(world->log()->log_start_offset(), Offset(bases[1] + 1));
  EXPECT_EQ(values().front(), std::to_string(bases[1] + 1));
  world->kill();
  for (auto base : bases) ASSERT_TRUE(posix_file_system().remove(segment(base)));
  ASSERT_TRUE(world->start());
  EXPECT_EQ(world->log()->log_start_offset(), Offset(bases[1] + 1));
  EXPECT_EQ(world->log()->log_end_offset(), Offset(bases[1] + 1)) << "offsets are never given twice";
}

}  // namespace
}  // namespace millrace::log::test
