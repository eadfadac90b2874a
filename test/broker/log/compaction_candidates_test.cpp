#include "broker/log/compaction_candidates.h"

#include <gtest/gtest.h>

#include <vector>

namespace millrace::log {
namespace {

// Segments of 100 offsets and 1000 bytes; the last one is active. Their records are from 1000 * number on.
std::vector<CandidateSegment> segments(int count) {
  std::vector<CandidateSegment> made;
  for (int number = 0; number < count; ++number) {
    made.push_back({Offset(number * 100), 1000, TimestampMs(1000 * number + 900), TimestampMs(1000 * number + 1)});
  }
  return made;
}

CandidateLog log_of(const std::vector<CandidateSegment>& made) {
  const Offset end(static_cast<std::int64_t>(made.size()) * 100);
  return {.segments = made, .log_start = Offset(0), .log_end = end, .last_stable = end};
}

LogConfig with_ratio(double ratio) {
  LogConfig config;
  config.min_cleanable_dirty_ratio = ratio;
  return config;
}

LogConfig with_lags(std::int64_t min_ms, std::int64_t max_ms = LogConfig::unlimited) {
  LogConfig config;
  config.min_compaction_lag_ms = min_ms;
  config.max_compaction_lag_ms = max_ms;
  return config;
}

TEST(CompactionCandidate, IsAllButTheActiveSegmentTheFirstTime) {
  const auto made = segments(4);
  const auto found = compaction_candidate(log_of(made), {}, TimestampMs(100'000));
  EXPECT_EQ(found.first_dirty, Offset(0));
  EXPECT_EQ(found.first_uncleanable, Offset(300));
  EXPECT_EQ(found.clean_bytes, 0U);
  EXPECT_EQ(found.cleanable_bytes, 3000U);
  EXPECT_FALSE(found.checkpoint_is_invalid);
  EXPECT_TRUE(found.is_due({}));
}

// Of a log of four segments that is compacted up to there.
CompactionCandidate candidate_cleaned_to(Offset offset) {
  const auto made = segments(4);
  auto log = log_of(made);
  log.cleaned_to = offset;
  return compaction_candidate(log, {}, TimestampMs(100'000));
}

TEST(CompactionCandidate, CountsTheSegmentThatWasCompactedInPartAsBothCleanAndDirty) {
  const auto found = candidate_cleaned_to(Offset(150));
  EXPECT_EQ(found.clean_bytes, 2000U);
  EXPECT_EQ(found.cleanable_bytes, 2000U);
  EXPECT_FALSE(found.is_due({})) << "half is not more than half";
  EXPECT_TRUE(found.is_due(with_ratio(0.49)));
}

TEST(CompactionCandidate, StopsAtTheSegmentThatHoldsTheLastStableOffset) {
  const auto made = segments(4);
  auto log = log_of(made);
  log.last_stable = Offset(199);
  EXPECT_EQ(compaction_candidate(log, {}, TimestampMs(100'000)).first_uncleanable, Offset(100));
  log.last_stable = Offset(200);
  EXPECT_EQ(compaction_candidate(log, {}, TimestampMs(100'000)).first_uncleanable, Offset(200));
}

TEST(CompactionCandidate, LeavesSegmentsAloneThatAreYoungerThanTheLag) {
  const auto made = segments(4);
  const LogConfig config = with_lags(1000);
  EXPECT_EQ(compaction_candidate(log_of(made), config, TimestampMs(2900)).first_uncleanable, Offset(200));
  EXPECT_EQ(compaction_candidate(log_of(made), config, TimestampMs(2899)).first_uncleanable, Offset(100));
}

TEST(CompactionCandidate, StartsAnewWhereTheCheckpointIsNotInTheLog) {
  const auto made = segments(4);
  auto log = log_of(made);
  log.log_start = Offset(50);
  for (const Offset wrong : {Offset(49), Offset(401)}) {
    log.cleaned_to = wrong;
    const auto found = compaction_candidate(log, {}, TimestampMs(100'000));
    EXPECT_TRUE(found.checkpoint_is_invalid);
    EXPECT_EQ(found.first_dirty, Offset(50));
  }
  log.cleaned_to = Offset(400);
  EXPECT_FALSE(compaction_candidate(log, {}, TimestampMs(100'000)).checkpoint_is_invalid);
}

TEST(CompactionCandidate, HasNothingToDoInTheActiveSegment) {
  const auto found = candidate_cleaned_to(Offset(300));
  EXPECT_EQ(found.cleanable_bytes, 0U);
  EXPECT_FALSE(found.is_due(with_ratio(0)));
}

TEST(CompactionCandidate, IsDueWhenItsOldestDirtyBatchHasWaitedTooLong) {
  const auto made = segments(4);
  auto log = log_of(made);
  log.cleaned_to = Offset(200);
  const LogConfig config = with_lags(0, 5000);
  const auto early = compaction_candidate(log, config, TimestampMs(7001));
  EXPECT_EQ(early.overdue_ms, 0);
  EXPECT_FALSE(early.is_due(config));
  const auto late = compaction_candidate(log, config, TimestampMs(7003));
  EXPECT_EQ(late.overdue_ms, 2);
  EXPECT_TRUE(late.is_due(config));
}

TEST(CompactionCandidate, TakesNoTimeOfBatchesWithoutOneForAnOldOne) {
  auto made = segments(4);
  for (auto& segment : made) segment.first_batch_timestamp = TimestampMs(0);
  const LogConfig config = with_lags(0, 5000);
  EXPECT_EQ(compaction_candidate(log_of(made), config, TimestampMs(100'000)).overdue_ms, 0);
}

}  // namespace
}  // namespace millrace::log
