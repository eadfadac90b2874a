// How far a recovery has come: counted for its log directory, and said while it takes long.
#include "broker/log/recovery_progress.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>

#include "test/broker/log/recovery_world.h"

namespace millrace::log::test {
namespace {

using std::chrono::seconds;

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

// What `work` logs.
template <class Work>
std::string lines_of(Work work) {
  testing::internal::CaptureStderr();
  work();
  return testing::internal::GetCapturedStderr();
}

std::size_t count_of(std::string_view part, std::string_view text) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

struct Progress : testing::Test {
  ManualClock clock;
  DirectoryProgress directory;
};

TEST_F(Progress, IsSaidOnceInTenSecondsOfALongSegment) {
  RecoveryProgress progress(clock, "/data/a-0", &directory);
  progress.expect(3);
  progress.recovered();
  auto checked = [&](std::uint64_t position) { progress.checked("/data/a-0/0.log", position); };
  clock.advance(seconds(9));
  EXPECT_EQ(lines_of([&] { checked(5 * mebibyte); }), "") << "it is not long yet";
  clock.advance(seconds(1));
  EXPECT_EQ(lines_of([&] { checked(5 * mebibyte + 100); }), "") << "the clock is looked at once in a MiB";
  EXPECT_NE(lines_of([&] {
              checked(6 * mebibyte);
            }).find("recovery: 6 MiB of /data/a-0/0.log are checked, 1 of 3 segments of /data/a-0 are done"),
            std::string::npos);
  clock.advance(seconds(9));
  EXPECT_EQ(lines_of([&] { checked(7 * mebibyte); }), "") << "one was said nine seconds ago";
  clock.advance(seconds(1));
  EXPECT_NE(lines_of([&] { checked(8 * mebibyte); }).find("recovery: 8 MiB of"), std::string::npos);
}

TEST_F(Progress, IsSaidOnceInTenSecondsOfManySmallSegments) {
  RecoveryProgress progress(clock, "/data/a-0", &directory);
  progress.expect(5);
  auto recover = [&] {
    progress.checked("/data/a-0/0.log", 1000);
    progress.recovered();
  };
  clock.advance(seconds(9));
  EXPECT_EQ(lines_of(recover), "");
  clock.advance(seconds(1));
  EXPECT_NE(lines_of(recover).find("recovery: 2 of 5 segments of /data/a-0 are done"), std::string::npos);
  clock.advance(seconds(9));
  EXPECT_EQ(lines_of(recover), "") << "one was said nine seconds ago";
  clock.advance(seconds(1));
  EXPECT_NE(lines_of(recover).find("recovery: 4 of 5 segments of"), std::string::npos);
  clock.advance(seconds(10));
  EXPECT_EQ(lines_of(recover), "") << "with the last one it is over";
}

TEST_F(Progress, IsCountedForTheDirectory) {
  {
    RecoveryProgress progress(clock, "/data/a-0", &directory);
    progress.expect(1);
    progress.recovered();
    progress.recovered();
    EXPECT_EQ(directory.segments_total, 1U);
    EXPECT_EQ(directory.segments_recovered, 1U) << "one that is recovered twice is one";
    progress.expect(3);
    progress.recovered();
    EXPECT_EQ(directory.segments_total, 4U);
    EXPECT_EQ(directory.segments_recovered, 2U);
  }
  EXPECT_EQ(directory.segments_recovered, 4U) << "those that were cut off are over, too";
}

// Each read of a file takes four seconds.
struct LongRecovery : Recovery {
  void SetUp() override {}
  void start_on(FaultFileSystem& files) {
    world = std::make_unique<LogWorld>(LogConfig(), files);
    ASSERT_TRUE(world->start());
  }
};

TEST_F(LongRecovery, IsSaidWhileALogIsLoaded) {
  FaultFileSystem files;
  start_on(files);
  const std::string large(700'000, 'v');
  for (int number = 0; number < 6; ++number) append(large);
  world->kill();
  files.faults->before_read = [this](const std::string& path) {
    if (path.ends_with(".log")) world->shard.manual_clock().advance(seconds(4));
  };
  const auto said = lines_of([&] { ASSERT_TRUE(world->start()); });
  EXPECT_GE(count_of("MiB of " + segment(0) + " are checked, 0 of 1 segments of", said), 1U) << said;
  EXPECT_EQ(values().size(), 6U);
}

}  // namespace
}  // namespace millrace::log::test
