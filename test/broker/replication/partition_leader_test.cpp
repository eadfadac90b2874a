#include "broker/replication/partition_leader.h"

#include <gtest/gtest.h>

#include "broker/base/manual_shard.h"
#include "broker/replication/fetch_wait.h"

namespace millrace::replication {
namespace {

constexpr BrokerId self{1};
constexpr BrokerId follower{2};
constexpr BrokerId stranger{9};

TEST(PartitionLeader, CommitsItsWholeLogAtOnceWhenItIsAloneInTheIsr) {
  PartitionLeader leader(self, LeaderEpoch(3), {self}, Offset(10), Offset(4));
  EXPECT_EQ(leader.high_watermark(), Offset(10));
  EXPECT_TRUE(leader.on_acknowledged(self, Offset(15)));
  EXPECT_EQ(leader.high_watermark(), Offset(15));
}

TEST(PartitionLeader, WaitsForEveryInSyncReplicaToAcknowledgeInThisEpoch) {
  PartitionLeader leader(self, LeaderEpoch(3), {self, follower}, Offset(10), Offset(4));
  EXPECT_EQ(leader.high_watermark(), Offset(4));
  EXPECT_FALSE(leader.on_acknowledged(self, Offset(12)));
  EXPECT_EQ(leader.high_watermark(), Offset(4));
  EXPECT_TRUE(leader.on_acknowledged(follower, Offset(11)));
  EXPECT_EQ(leader.high_watermark(), Offset(11));
}

TEST(PartitionLeader, NeverMovesTheHighWatermarkBack) {
  PartitionLeader leader(self, LeaderEpoch(3), {self, follower}, Offset(10), Offset(4));
  leader.on_acknowledged(follower, Offset(10));
  EXPECT_FALSE(leader.on_acknowledged(follower, Offset(2)));
  EXPECT_EQ(leader.high_watermark(), Offset(10));
}

TEST(PartitionLeader, MovesNothingForAReplicaOutsideTheIsr) {
  PartitionLeader leader(self, LeaderEpoch(3), {self, follower}, Offset(10), Offset(4));
  EXPECT_FALSE(leader.on_acknowledged(stranger, Offset(10)));
  EXPECT_EQ(leader.high_watermark(), Offset(4));
  EXPECT_EQ(leader.in_sync_replica_count(), 2u);
}

TEST(PartitionLeader, TakesAHighWatermarkBeyondItsLogAsTheLogEnd) {
  // A checkpoint from before a torn tail was cut off.
  PartitionLeader leader(self, LeaderEpoch(3), {self, follower}, Offset(10), Offset(40));
  EXPECT_EQ(leader.high_watermark(), Offset(10));
}

TEST(FetchWait, WakesOnceWhenEnoughBytesHaveCome) {
  ManualShard home;
  int wakes = 0;
  auto wait = std::make_shared<FetchWait>(home, 100, [&] { ++wakes; });
  wait->add(60);
  EXPECT_EQ(home.run(), 0u);
  EXPECT_FALSE(wait->fired());
  wait->add(40);
  wait->add(40);
  wait->fire();
  home.run();
  EXPECT_EQ(wakes, 1);
  EXPECT_TRUE(wait->fired());
}

}  // namespace
}  // namespace millrace::replication
