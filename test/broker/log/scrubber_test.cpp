// Who is scrubbed when: at the rate, once in an interval, from where the last process was, and never where it would be in the way.
#include <gtest/gtest.h>

#include "broker/base/metrics.h"
#include "test/broker/log/chosen_jobs.h"
#include "test/broker/log/cleaned_world.h"
#include "test/broker/log/scrub_world.h"

namespace millrace::log::test {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

struct Scrubbing : testing::Test {
  void SetUp() override { world.options.scrub = {.bytes_per_second = 1 << 20, .interval_ms = 3'600'000}; }
  void start() {
    ASSERT_TRUE(world.start());
    world.manager->show_in(metrics);
    if (world.log()->log_end_offset() == Offset(0)) scrubbed.write_everything();
    world.manager->start(world.shard, world.shard.pool());
    world.shard.run();
  }
  void damage() {
    const auto path = world.partition_path() + "/00000000000000000000.log";
    auto bytes = file_bytes(path);
    bytes[70] ^= 1;
    write_file(path, bytes);
  }
  std::uint64_t found() { return world.manager->damage().batches(FoundBy::scrub); }
  double scrubbed_bytes() { return metrics.counter("millrace_log_scrubbed_bytes_total", "").value(); }
  double closed_bytes() {
    double sum = 0;
    for (Offset from(0); auto segment = world.log()->segment_to_scrub(from); from = segment->end)
      sum += static_cast<double>(segment->view.size_bytes);
    return sum;
  }
  bool stop_scrubber() {
    bool stopped = false;
    world.manager->stop_cleaner([&] { stopped = true; });
    world.shard.run();
    return stopped;
  }
  std::string place() {
    return posix_file_system().read_text(world.data_path() + "/scrub-offset-checkpoint", 1000).value_or("none");
  }

  MetricsRegistry metrics;
  ScrubWorld scrubbed;
  LogWorld& world = scrubbed.world;
};

TEST_F(Scrubbing, ReadsEveryClosedSegmentOnceInAnInterval) {
  start();
  world.shard.advance(seconds(59));
  EXPECT_EQ(scrubbed_bytes(), 0);
  world.shard.advance(minutes(10));
  EXPECT_EQ(scrubbed_bytes(), closed_bytes());
  world.shard.advance(minutes(52));
  EXPECT_EQ(scrubbed_bytes(), 2 * closed_bytes());
  EXPECT_EQ(found(), 0U);
}

TEST_F(Scrubbing, FindsWhatTheDiskHasChanged) {
  start();
  damage();
  world.shard.advance(minutes(10));
  EXPECT_EQ(found(), 1U);
  EXPECT_TRUE(world.log()->is_damaged());
  EXPECT_NE(metrics.text().find("millrace_log_corrupt_batches_total{where=\"scrub\"} 1"), std::string::npos)
      << metrics.text();
  EXPECT_NE(metrics.text().find("millrace_log_damaged_logs 1"), std::string::npos);
  // The records before and behind it are read as ever.
  EXPECT_TRUE(world.read(Offset(4)));
  EXPECT_TRUE(world.append({.values = {"more"}}));
}

TEST_F(Scrubbing, KeepsToTheRate) {
  world.options.scrub.bytes_per_second = 100;
  start();
  world.shard.advance(minutes(1));
  const auto begun = scrubbed_bytes();
  world.shard.advance(seconds(60));
  // A segment is read at once, however small the rate, and paid for afterwards.
  EXPECT_LE(scrubbed_bytes() - begun, 60 * 100 + 900);
  EXPECT_GE(scrubbed_bytes() - begun, std::min(60.0 * 100 - 900, closed_bytes() - begun));
}

TEST_F(Scrubbing, ReadsNothingWithoutARateAndBeginsWhenItIsSet) {
  world.options.scrub.bytes_per_second = 0;
  start();
  world.shard.advance(minutes(10));
  EXPECT_EQ(scrubbed_bytes(), 0);
  EXPECT_EQ(place(), "none");
  world.manager->reconfigure_scrubber({.bytes_per_second = 1 << 20, .interval_ms = 3'600'000});
  world.shard.advance(minutes(1));
  EXPECT_EQ(scrubbed_bytes(), closed_bytes());
  world.manager->reconfigure_scrubber({.bytes_per_second = 0, .interval_ms = 3'600'000});
  world.shard.advance(minutes(200));
  EXPECT_EQ(scrubbed_bytes(), closed_bytes());
}

TEST_F(Scrubbing, GoesOnWhereTheLastProcessWas) {
  world.options.scrub.bytes_per_second = 5;  // more than a minute for a segment
  start();
  world.shard.advance(minutes(5));
  const auto written = place();
  ASSERT_TRUE(written.starts_with("0\n1\nevents 0 ")) << written;
  const auto next = Offset(std::stoll(written.substr(13)));
  ASSERT_GT(next, Offset(0));
  ASSERT_TRUE(stop_scrubber());
  ASSERT_TRUE(world.stop());
  damage();  // of the first segment, which was read already
  world.options.scrub.bytes_per_second = 1 << 20;
  start();
  world.shard.advance(minutes(5));
  EXPECT_EQ(found(), 0U);
  EXPECT_EQ(place(), "0\n0\n");
  world.shard.advance(minutes(60));
  EXPECT_EQ(found(), 1U);
}

TEST_F(Scrubbing, EndsBeforeTheBrokerDoes) {
  start();
  HeldThreads threads;
  world.shard.advance(minutes(1));
  EXPECT_TRUE(stop_scrubber());
  const auto read = scrubbed_bytes();
  world.shard.advance(minutes(200));
  EXPECT_EQ(scrubbed_bytes(), read);
}

TEST_F(Scrubbing, WaitsForTheStepThatIsUnderWay) {
  ASSERT_TRUE(world.start());
  scrubbed.write_everything();
  HeldThreads threads;
  world.manager->start(world.shard, threads);
  world.shard.advance(minutes(1));  // the place of the last process is being read
  bool stopped = false;
  world.manager->stop_cleaner([&] { stopped = true; });
  world.shard.run();
  EXPECT_FALSE(stopped);
  while (threads.run_one()) world.shard.run();
  EXPECT_TRUE(stopped);
}

TEST_F(Scrubbing, DoesOneThingAtATimeWhenPassesTakeLongerThanTheirInterval) {
  world.options.scrub.interval_ms = 1000;
  ASSERT_TRUE(world.start());
  scrubbed.write_everything();
  ChosenJobs threads;
  world.manager->start(world.shard, threads);
  world.shard.advance(minutes(1));
  for (int number = 0; number < 200; ++number) {
    world.shard.advance(seconds(2));
    ASSERT_EQ(threads.jobs.size(), 1U) << number;
    threads.run(0);
    world.shard.run();
  }
  EXPECT_EQ(found(), 0U);
  world.shard.advance(seconds(2));
  bool stopped = false;
  world.manager->stop_cleaner([&] { stopped = true; });
  world.shard.run();
  EXPECT_FALSE(stopped);
  threads.run(0);
  world.shard.run();
  EXPECT_TRUE(stopped);
  EXPECT_TRUE(threads.jobs.empty());
}

TEST_F(Scrubbing, TellsWhatItFindsWhenTheLogIsNoLongerBeingChanged) {
  start();
  damage();
  world.log()->hold_appends();
  world.shard.advance(minutes(10));
  EXPECT_EQ(found(), 0U);
  EXPECT_FALSE(world.log()->is_damaged());
  world.log()->release_appends();
  world.shard.advance(minutes(1));
  EXPECT_EQ(found(), 1U);
  EXPECT_TRUE(world.log()->is_damaged());
  EXPECT_NE(place(), "none");
}

TEST_F(Scrubbing, LeavesOutLogsThatAreRemovedMeanwhile) {
  world.options.scrub.bytes_per_second = 100;
  start();
  world.shard.advance(seconds(61));
  bool removed = false;
  world.manager->remove(world.log()->topic_partition(), [&](const Status& status) { removed = status.has_value(); });
  world.shard.run();
  ASSERT_TRUE(removed);
  world.shard.advance(minutes(10));
  EXPECT_EQ(found(), 0U);
  EXPECT_TRUE(stop_scrubber());
}

}  // namespace
}  // namespace millrace::log::test
