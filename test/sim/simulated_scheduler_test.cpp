#include "test/sim/simulated_scheduler.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "test/sim/disk_times.h"
#include "test/sim/simulated_files.h"
#include "test/sim/simulated_shards.h"

namespace millrace::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Shards that send each other mail, sync files and set timers, all by chance.
struct BusyProcess {
  explicit BusyProcess(std::uint64_t seed) : scheduler(seed) {
    disk.on_call = [this](const DiskOperation& operation) { times.take(scheduler, chance, operation.call); };
    for (ShardId id = 0; id < shards.size(); ++id) {
      shards.at(id).post([this, id] { work(id, 20); });
    }
  }
  void work(ShardId id, int left) {
    if (left == 0) return;
    auto& shard = shards.at(id);
    const auto next = static_cast<ShardId>(chance.below(shards.size()));
    shard.pool().submit([this, id, next, left] {
      auto file = files->open("/file" + std::to_string(id), OpenMode::read_write_or_create).value();
      (void)file->write_at(chance.below(10'000), as_bytes("bytes"));
      (void)file->sync();
      shards.at(next).post([this, next, left] { work(next, left - 1); });
    });
    shard.after(milliseconds(chance.below(50)), [this, id] { scheduler.note("timer of " + std::to_string(id)); });
  }

  SimulatedScheduler scheduler;
  SeededRandom chance{5};
  SimulatedDisk disk{chance, scheduler.clock()};
  std::unique_ptr<SimulatedFiles> files = disk.start_process();
  DiskTimes times{.one_stall_in = 20};
  SimulatedShards shards{scheduler, "busy", {}};
};

TEST(SimulatedScheduler, RunsTheSameForTheSameSeed) {
  std::set<std::uint64_t> runs;
  for (std::uint64_t seed : {1, 2, 3, 1, 2, 3}) {
    BusyProcess process(seed);
    process.scheduler.run_for(seconds(100));
    EXPECT_GT(process.scheduler.steps(), 150U);
    runs.insert(process.scheduler.fingerprint() ^ process.disk.fingerprint());
  }
  EXPECT_EQ(runs.size(), 3U);
}

TEST(SimulatedScheduler, LetsTimePassOnlyWhenNothingIsToBeDone) {
  SimulatedScheduler scheduler(1);
  SimulatedShards shards(scheduler, "one", {.shards = 1});
  std::vector<int> order;
  const auto begin = scheduler.clock().now();
  shards.at(0).post([&] {
    shards.at(0).after(seconds(10), [&] { order.push_back(3); });
    shards.at(0).after(seconds(5), [&] { order.push_back(2); });
    const auto cancelled = shards.at(0).after(seconds(1), [&] { order.push_back(-1); });
    shards.at(0).cancel(cancelled);
    order.push_back(1);
  });
  EXPECT_TRUE(scheduler.run_until([&] { return order.size() == 2; }));
  EXPECT_GE(scheduler.clock().now() - begin, seconds(5));
  EXPECT_LT(scheduler.clock().now() - begin, seconds(6));
  EXPECT_FALSE(scheduler.run_until([&] { return order.size() == 3; }, seconds(4)));
  scheduler.run_for(seconds(2));
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
  EXPECT_FALSE(scheduler.step()) << "nothing is left";
}

TEST(SimulatedScheduler, KeepsTheOrderOfEachSendersMailAndMixesThatOfSeveral) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SimulatedScheduler scheduler(seed);
    SimulatedShards shards(scheduler, "three", {});
    std::string order;
    for (ShardId id = 1; id < 3; ++id) {
      shards.at(id).post([&, id] {
        for (int number = 0; number < 2; ++number)
          shards.at(0).post([&order, id, number] { order += static_cast<char>((id == 1 ? 'a' : 'x') + number); });
      });
    }
    while (scheduler.step()) {
    }
    EXPECT_LT(order.find('a'), order.find('b'));
    EXPECT_LT(order.find('x'), order.find('y'));
    seen.insert(order);
  }
  EXPECT_EQ(seen.size(), 6U) << "all that are possible";
}

TEST(SimulatedScheduler, LetsJobsOfAPoolOvertakeEachOtherUpToItsThreads) {
  std::set<std::vector<int>> seen;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SimulatedScheduler scheduler(seed);
    SimulatedShards shards(scheduler, "pool", {.pool = 2});
    std::vector<int> order;
    for (int number = 0; number < 3; ++number) shards.pool().submit([&order, number] { order.push_back(number); });
    while (scheduler.step()) {
    }
    EXPECT_NE(order.front(), 2) << "two threads have the first two";
    seen.insert(order);
  }
  EXPECT_EQ(seen.size(), 4U);
}

TEST(SimulatedScheduler, DeliversTheAnswersOfAJobThatStallsWhenTheStallIsOver) {
  SimulatedScheduler scheduler(1);
  SimulatedShards shards(scheduler, "stalled", {.shards = 1, .pool = 1});
  bool answered = false;
  bool next = false;
  shards.pool().submit([&] {
    scheduler.block_on("disk");
    shards.at(0).post([&] { answered = true; });
  });
  shards.pool().submit([&] { next = true; });
  scheduler.run_for(seconds(100));
  EXPECT_FALSE(answered);
  EXPECT_FALSE(next) << "its thread waits, too";
  scheduler.release("disk");
  scheduler.run_for(seconds(1));
  EXPECT_TRUE(answered);
  EXPECT_TRUE(next);
}

TEST(SimulatedScheduler, RunsNothingOfAProcessThatWasKilled) {
  SimulatedScheduler scheduler(1);
  auto shards = std::make_unique<SimulatedShards>(scheduler, "killed", SimulatedShards::Threads{});
  bool ran = false;
  auto owned = std::make_shared<int>(1);
  shards->pool().submit([&, owned] { shards->at(0).post([&, owned] { ran = true; }); });
  shards->at(1).post([&, owned] { shards->at(1).after(seconds(1), [&, owned] { ran = true; }); });
  (void)scheduler.step();
  (void)scheduler.step();
  shards.reset();
  scheduler.run_for(seconds(10));
  EXPECT_FALSE(ran);
  EXPECT_EQ(owned.use_count(), 1) << "what was queued is destroyed";
}

// Two jobs that read, wait for their disk, and write what they have read and one more.
TEST(SimulatedScheduler, FindsAnUpdateThatIsLost) {
  bool lost = false;
  bool kept = false;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SimulatedScheduler scheduler(seed);
    SimulatedShards shards(scheduler, "race", {.shards = 1});
    int counter = 0;
    for (int writer = 0; writer < 2; ++writer) {
      shards.at(0).post([&] {
        shards.pool().submit([&, read = counter] { shards.at(0).post([&counter, read] { counter = read + 1; }); });
      });
    }
    while (scheduler.step()) {
    }
    (counter == 1 ? lost : kept) = true;
  }
  EXPECT_TRUE(lost);
  EXPECT_TRUE(kept);
}

TEST(SimulatedScheduler, TellsItsSeedAndItsLastEvents) {
  SimulatedScheduler scheduler(4711);
  SimulatedShards shards(scheduler, "broker 3", {});
  shards.at(1).post([&] { scheduler.note("something happened"); });
  while (scheduler.step()) {
  }
  EXPECT_NE(scheduler.story().find("MILLRACE_SEED=4711"), std::string::npos);
  EXPECT_NE(scheduler.story().find("broker 3 shard 1"), std::string::npos);
  EXPECT_NE(scheduler.story().find("something happened"), std::string::npos);
}

}  // namespace
}  // namespace millrace::sim
