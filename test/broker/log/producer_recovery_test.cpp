// The producers of a log after a start: retries are known, open transactions stay open.
#include <gtest/gtest.h>

#include <algorithm>

#include "test/broker/log/recovery_world.h"

namespace millrace::log::test {
namespace {

TEST_F(Recovery, KnowsARetryOfWhatWasWrittenBeforeAKill) {
  for (int sequence = 0; sequence < 7; ++sequence) ASSERT_TRUE(produce(sequence));
  world->kill();
  ASSERT_TRUE(world->start());
  for (int sequence = 2; sequence < 7; ++sequence) {
    auto again = produce(sequence);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_TRUE(again->duplicate);
    EXPECT_EQ(again->base_offset, Offset(sequence));
  }
  EXPECT_EQ(produce(8).error().kind, AppendErrorKind::out_of_order_sequence);
  auto next = produce(7);
  ASSERT_TRUE(next);
  EXPECT_FALSE(next->duplicate);
}

TEST_F(Recovery, KnowsARetryAcrossSegmentsSnapshotsAndStops) {
  start(small_segments());
  int sequence = 0;
  for (int round = 0; round < 6; ++round) {
    for (int number = 0; number < 5; ++number) ASSERT_TRUE(produce(sequence++));
    ASSERT_TRUE(produce(round, 2));
    if (round % 2 == 0) {
      world->kill();
    } else {
      ASSERT_TRUE(world->stop());
    }
    if (round == 3) {  // all snapshots are gone: everything is read from the log
      for (const auto& name : names_in(world->partition_path())) {
        if (name.ends_with(".snapshot")) ASSERT_TRUE(posix_file_system().remove(world->partition_path() + "/" + name));
      }
    }
    if (round == 4) {  // the newest is damaged: an older one and the log do
      auto names = names_in(world->partition_path());
      auto newest =
          std::ranges::find_if(names.rbegin(), names.rend(), [](auto& name) { return name.ends_with(".snapshot"); });
      ASSERT_NE(newest, names.rend());
      auto bytes = file_bytes(world->partition_path() + "/" + *newest);
      bytes.back() ^= 1;
      write_file(world->partition_path() + "/" + *newest, bytes);
    }
    ASSERT_TRUE(world->start());
    auto again = produce(sequence - 1);
    ASSERT_TRUE(again) << again.error().message << " in round " << round;
    EXPECT_TRUE(again->duplicate);
    EXPECT_TRUE(produce(round, 2)->duplicate);
    EXPECT_EQ(produce(sequence + 1).error().kind, AppendErrorKind::out_of_order_sequence);
  }
}

TEST_F(Recovery, TakesAProducersBatchThatWasCutOffAgain) {
  ASSERT_TRUE(produce(0));
  ASSERT_TRUE(produce(1));
  world->shard.run();
  auto bytes = file_bytes(segment(0));
  bytes.pop_back();
  restart_with(bytes);
  auto again = produce(1);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->duplicate);
  EXPECT_EQ(again->base_offset, Offset(1));
}

TEST_F(Recovery, KeepsATransactionOpen) {
  append("plain");
  auto transactional = [&](std::int32_t sequence) {
    return world->append({.values = {"t"},
                          .producer_id = ProducerId(1),
                          .producer_epoch = ProducerEpoch(0),
                          .base_sequence = Sequence(sequence),
                          .transactional = true});
  };
  ASSERT_TRUE(transactional(0));
  for (bool clean : {false, true}) {
    if (clean) {
      ASSERT_TRUE(world->stop());
    } else {
      world->kill();
    }
    ASSERT_TRUE(world->start());
    EXPECT_EQ(world->log()->first_unstable_offset(), Offset(1));
  }
  ASSERT_TRUE(world->append(marker_batch(ProducerId(1), ProducerEpoch(0), true, 4), AppendOrigin::coordinator));
  world->kill();
  ASSERT_TRUE(world->start());
  world->log()->publish_high_watermark(world->log()->log_end_offset());
  EXPECT_EQ(world->log()->first_unstable_offset(), Offset::none());
  EXPECT_EQ(
      world->append(marker_batch(ProducerId(1), ProducerEpoch(0), true, 3), AppendOrigin::coordinator).error().kind,
      AppendErrorKind::coordinator_fenced);
}

}  // namespace
}  // namespace millrace::log::test
