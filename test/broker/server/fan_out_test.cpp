#include "broker/server/fan_out.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/base/manual_shard.h"

namespace millrace::server {
namespace {

class ManualShards final : public ShardGroup {
 public:
  explicit ManualShards(ShardId count) {
    for (ShardId id = 0; id < count; ++id) shards_.push_back(std::make_unique<ManualShard>(id));
  }
  [[nodiscard]] std::size_t size() const override { return shards_.size(); }
  [[nodiscard]] ManualShard& at(ShardId id) override { return *shards_[id]; }

 private:
  std::vector<std::unique_ptr<ManualShard>> shards_;
};

struct Visits {
  std::vector<std::pair<ShardId, std::size_t>> seen;
  std::map<std::size_t, Job> unfinished;
  bool over = false;
};

// Each visit is noted and stays unfinished until the test ends it.
Task<bool> visit_all(ManualShards& shards, const std::vector<ShardId>& owners, Visits& visits) {
  auto visit = [&](ShardId shard, std::size_t index, Job arrive) {
    EXPECT_TRUE(shards.at(shard).is_current()) << "visited outside the owner's tasks";
    visits.seen.emplace_back(shard, index);
    visits.unfinished.emplace(index, std::move(arrive));
  };
  co_await fan_out(shards.at(0), shards, owners, std::move(visit));
  EXPECT_TRUE(shards.at(0).is_current()) << "went on outside its home";
  visits.over = true;
  co_return true;
}

void start(ManualShards& shards, const std::vector<ShardId>& owners, Visits& visits) {
  shards.at(0).post([&] { spawn(visit_all(shards, owners, visits), [](bool) {}); });
  shards.at(0).run();
}

void finish(ManualShards& shards, ShardId shard, Visits& visits, std::size_t index) {
  shards.at(shard).post([&visits, index] { std::exchange(visits.unfinished.at(index), nullptr)(); });
  shards.at(shard).run();
}

TEST(FanOut, GivesEachShardItsShareInOneMessage) {
  ManualShards shards(3);
  Visits visits;
  const std::vector<ShardId> owners{2, 1, 2, 1, 2};
  start(shards, owners, visits);
  EXPECT_TRUE(visits.seen.empty());
  EXPECT_EQ(shards.at(1).run(), 1);
  EXPECT_EQ(shards.at(2).run(), 1);
  const std::vector<std::pair<ShardId, std::size_t>> expected{{1, 1}, {1, 3}, {2, 0}, {2, 2}, {2, 4}};
  EXPECT_EQ(visits.seen, expected);
  for (auto [shard, index] : expected) finish(shards, shard, visits, index);
  shards.at(0).run();
  EXPECT_TRUE(visits.over);
}

TEST(FanOut, GoesOnAtHomeWhenTheLastItemHasArrivedWhateverTheOrder) {
  ManualShards shards(3);
  Visits visits;
  const std::vector<ShardId> owners{0, 1, 2, 2};
  start(shards, owners, visits);
  shards.at(2).run();
  shards.at(1).run();
  ASSERT_EQ(visits.seen.size(), 4);
  finish(shards, 2, visits, 3);
  finish(shards, 1, visits, 1);
  finish(shards, 2, visits, 2);
  shards.at(0).run();
  EXPECT_FALSE(visits.over);
  finish(shards, 0, visits, 0);
  EXPECT_TRUE(visits.over);
}

TEST(FanOut, TheReportOfAnotherShardTravelsHomeOnce) {
  ManualShards shards(2);
  Visits visits;
  const std::vector<ShardId> owners{1, 1, 1};
  start(shards, owners, visits);
  shards.at(1).run();
  for (std::size_t index = 0; index < owners.size(); ++index) finish(shards, 1, visits, index);
  EXPECT_FALSE(visits.over) << "went on in the tasks of another shard";
  EXPECT_EQ(shards.at(0).run(), 1);
  EXPECT_TRUE(visits.over);
}

TEST(FanOut, LeavesOutItemsThatNobodyOwnsAndDoesNotWaitForNothing) {
  ManualShards shards(2);
  Visits some;
  const std::vector<ShardId> owners{no_owner, 1, no_owner};
  start(shards, owners, some);
  shards.at(1).run();
  finish(shards, 1, some, 1);
  shards.at(0).run();
  EXPECT_TRUE(some.over);
  EXPECT_EQ(some.seen.size(), 1);

  Visits none;
  const std::vector<ShardId> nobody{no_owner, no_owner};
  start(shards, nobody, none);
  EXPECT_TRUE(none.over);
  Visits empty;
  const std::vector<ShardId> no_items;
  start(shards, no_items, empty);
  EXPECT_TRUE(empty.over);
}

}  // namespace
}  // namespace millrace::server
