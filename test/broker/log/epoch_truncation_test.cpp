// To where a follower truncates, by the leader's answer; and what a truncation makes of epochs, producers and transactions.
#include "broker/log/epoch_truncation.h"

#include <gtest/gtest.h>

#include "test/broker/log/truncation_world.h"

namespace millrace::log::test {
namespace {

struct EpochsOfAFollower : testing::Test {
  EpochsOfAFollower()
      : epochs({{LeaderEpoch(0), Offset(0)}, {LeaderEpoch(2), Offset(10)}, {LeaderEpoch(4), Offset(20)}}) {}
  [[nodiscard]] EpochTruncation after(std::int32_t epoch, std::int64_t end) const {
    return truncation_for({LeaderEpoch(epoch), Offset(end)}, epochs, Offset(30), Offset(15));
  }
  LeaderEpochCache epochs;
};

TEST_F(EpochsOfAFollower, EndWhereTheLeadersEndOrItsOwn) {
  EXPECT_EQ(after(4, 25), (EpochTruncation{Offset(25), true}));
  EXPECT_EQ(after(4, 40), (EpochTruncation{Offset(30), true})) << "never above the log's end";
  EXPECT_EQ(after(2, 18), (EpochTruncation{Offset(18), true}));
  EXPECT_EQ(after(2, 25), (EpochTruncation{Offset(20), true})) << "its own epoch 2 ends before";
}

TEST_F(EpochsOfAFollower, AreAskedForAgainWhenTheLeadersIsNotAmongThem) {
  EXPECT_EQ(after(3, 22), (EpochTruncation{Offset(20), false})) << "the end of epoch 2, the largest below";
  EXPECT_EQ(after(1, 12), (EpochTruncation{Offset(10), false}));
}

TEST_F(EpochsOfAFollower, DoNotCountWhenTheLeaderKnowsNone) {
  EXPECT_EQ(truncation_for({}, epochs, Offset(30), Offset(15)), (EpochTruncation{Offset(15), true}));
  EXPECT_EQ(truncation_for({}, epochs, Offset(12), Offset(15)), (EpochTruncation{Offset(12), true}));
  EXPECT_EQ(truncation_for({LeaderEpoch::none(), Offset(7)}, epochs, Offset(30), Offset(15)),
            (EpochTruncation{Offset(7), true}))
      << "before KIP-279 the answer named no epoch";
  EXPECT_EQ(truncation_for({LeaderEpoch(5), Offset(7)}, epochs, Offset(30), Offset(15)),
            (EpochTruncation{Offset(7), true}))
      << "younger than all of its own";
}

// ---- what is left; truncation_test.cpp says in which modes

TEST_P(Truncation, ForgetsAnEpochThatStartedAtTheEndWithoutRecords) {
  fill(2);
  ASSERT_TRUE(log().start_leader_epoch(LeaderEpoch(5)));
  EXPECT_EQ(log().latest_leader_epoch(), LeaderEpoch(5));
  ASSERT_TRUE(truncate(4));
  EXPECT_EQ(log().latest_leader_epoch(), LeaderEpoch(0));
  EXPECT_EQ(files.read_text(world->partition_path() + "/leader-epoch-checkpoint", 1000).value(), "0\n1\n0 0\n");
}

TEST_P(Truncation, BringsProducersBackToWhatTheyWere) {
  auto write = [&](std::int32_t sequence) {
    return world->append({.values = {"v"},
                          .producer_id = ProducerId(1),
                          .producer_epoch = ProducerEpoch(0),
                          .base_sequence = Sequence(sequence)});
  };
  for (int sequence = 0; sequence < 12; ++sequence) ASSERT_TRUE(write(sequence));
  ASSERT_TRUE(truncate(7));
  expect_as_rebuilt();
  EXPECT_FALSE(write(12)) << "what came before is not there";
  ASSERT_TRUE(write(7));
  EXPECT_EQ(end(), Offset(8));
}

TEST_P(Truncation, OpensTransactionsAgainWhoseMarkersGo) {
  auto write = [&](std::int64_t producer) {
    return world->append({.values = {"v"},
                          .producer_id = ProducerId(producer),
                          .producer_epoch = ProducerEpoch(0),
                          .base_sequence = Sequence(0),
                          .transactional = true});
  };
  ASSERT_TRUE(write(1));
  ASSERT_TRUE(write(2));
  ASSERT_TRUE(world->append(marker_batch(ProducerId(1), ProducerEpoch(0), false, 1), AppendOrigin::coordinator));
  ASSERT_TRUE(world->append(marker_batch(ProducerId(2), ProducerEpoch(0), false, 1), AppendOrigin::coordinator));
  log().publish_high_watermark(Offset(4));
  EXPECT_EQ(log().first_unstable_offset(), Offset::none());
  ASSERT_TRUE(truncate(3));
  EXPECT_EQ(log().first_unstable_offset(), Offset(1));
  EXPECT_EQ(read_committed_row(*world, Offset(0), Offset(0)), "aborted from 0 1:0-2/1");
  log().publish_high_watermark(Offset(3));
  ASSERT_TRUE(truncate(2));
  EXPECT_EQ(log().first_unstable_offset(), Offset(0));
  EXPECT_EQ(read_committed_row(*world, Offset(0), Offset(0)), "aborted from 0");
}

TEST_P(Truncation, KeepsTransactionsUnstableThatTheHighWatermarkHasNotPassedHoweverOldTheSnapshot) {
  ASSERT_TRUE(world->append({.values = {"v"},
                             .producer_id = ProducerId(1),
                             .producer_epoch = ProducerEpoch(0),
                             .base_sequence = Sequence(0),
                             .transactional = true}));
  ASSERT_TRUE(world->append(marker_batch(ProducerId(1), ProducerEpoch(0), true, 1), AppendOrigin::coordinator));
  log().publish_high_watermark(Offset(1));
  fill(12);
  flush();
  ASSERT_FALSE(names(".snapshot").empty());
  EXPECT_EQ(log().first_unstable_offset(), Offset(0));
  ASSERT_TRUE(truncate(20));
  EXPECT_EQ(log().first_unstable_offset(), Offset(0));
  log().publish_high_watermark(Offset(2));
  EXPECT_EQ(log().first_unstable_offset(), Offset::none());
}

}  // namespace
}  // namespace millrace::log::test
