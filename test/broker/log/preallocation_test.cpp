// Segments whose space is reserved when they are made (preallocate), or while they grow: what is not used is given back, and files that
// Kafka has made as long as a segment may become are taken over.
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "broker/base/logging.h"
#include "test/broker/log/failing_files.h"
#include "test/broker/log/log_world.h"

namespace millrace::log::test {
namespace {

LogConfig preallocating() {
  LogConfig config;
  config.preallocate = true;
  config.segment_bytes = 4096;
  return config;
}

struct Preallocation : testing::Test {
  // What happens to log files from now on: the call and the segment.
  void watch() {
    files.calls->fault = [this](std::string_view call, const std::string& path) {
      if (path.ends_with(".log") && (call == "preallocate" || call == "truncate"))
        seen.push_back(std::string(call) + " " + std::to_string(std::stoll(path.substr(path.rfind('/') + 1))));
      return call == "preallocate" ? refusal : std::nullopt;
    };
  }
  void append(int batches) {
    for (; batches > 0; --batches) ASSERT_TRUE(world.append({.values = {std::string(1500, 'x')}}));
  }
  [[nodiscard]] std::uintmax_t size_of(const std::string& segment) const {
    return std::filesystem::file_size(world.partition_path() + "/" + segment + ".log");
  }

  FailingFileSystem files;
  LogWorld world{preallocating(), files};
  std::vector<std::string> seen;
  std::optional<ErrorKind> refusal;
};

TEST_F(Preallocation, ReservesSegmentsAndGivesBackWhatIsLeftOfThem) {
  watch();
  ASSERT_TRUE(world.start());
  append(5);
  const std::vector<std::string> rolls{"truncate 0", "preallocate 0", "truncate 2",    "preallocate 2",
                                       "truncate 0", "truncate 4",    "preallocate 4", "truncate 2"};
  EXPECT_EQ(seen, rolls) << "each is given back when the next one has begun";
  seen.clear();
  ASSERT_TRUE(world.stop());
  EXPECT_EQ(seen, std::vector<std::string>{"truncate 4"});
  seen.clear();
  ASSERT_TRUE(world.start());
  EXPECT_EQ(world.read_all().size(), 5U);
  ASSERT_TRUE(world.stop());
  EXPECT_TRUE(seen.empty()) << "nothing was reserved since";
}

TEST_F(Preallocation, GoesWithoutWhereThereIsNoRoomForAllOfASegment) {
  watch();
  refusal = ErrorKind::no_space;
  set_log_level(LogLevel::error);
  ASSERT_TRUE(world.start());
  append(5);
  set_log_level(LogLevel::info);
  EXPECT_EQ(world.read_all().size(), 5U);
  EXPECT_TRUE(world.manager->is_online(world.data_path()));
  const std::vector<std::string> rolls{"truncate 0", "preallocate 0", "truncate 0",    "truncate 2", "preallocate 2",
                                       "truncate 2", "truncate 4",    "preallocate 4", "truncate 4"};
  EXPECT_EQ(seen, rolls) << "a part that was found is given back at once";
}

TEST_F(Preallocation, TakesADirectoryOfflineWhoseDiskFails) {
  watch();
  refusal = ErrorKind::io;
  set_log_level(LogLevel::off);
  ASSERT_TRUE(world.start());
  bool is_made = true;
  world.manager->get_or_create({"events", PartitionIndex(0)}, world.topic_id, world.config,
                               [&](const auto& log) { is_made = log.has_value(); });
  world.shard.run();
  EXPECT_FALSE(is_made);
  set_log_level(LogLevel::info);
  EXPECT_FALSE(world.manager->is_online(world.data_path()));
}

TEST_F(Preallocation, TakesOverFilesThatKafkaHasMadeAsLongAsASegment) {
  ASSERT_TRUE(world.start());
  append(3);
  const auto records = world.read_all();
  const auto used = size_of("00000000000000000002");
  world.kill();
  set_log_level(LogLevel::error);
  std::filesystem::resize_file(world.partition_path() + "/00000000000000000002.log", 4096);
  ASSERT_TRUE(world.start());
  set_log_level(LogLevel::info);
  EXPECT_EQ(world.read_all(), records);
  EXPECT_EQ(size_of("00000000000000000002"), used);
  append(2);
  EXPECT_EQ(world.read_all().size(), records.size() + 2);
}

LogConfig taking_large_batches() {
  LogConfig config;
  config.max_message_bytes = 2 << 20;
  return config;
}

struct GrowingSegment : testing::Test {
  static constexpr std::size_t record_bytes = std::size_t{1} << 20;

  void SetUp() override {
    files.calls->fault = [this](std::string_view call, const std::string& path) {
      if (!path.ends_with(".log") || (call != "reserve" && call != "truncate")) return std::optional<ErrorKind>();
      seen.emplace_back(call);
      return call == "reserve" ? refusal : std::nullopt;
    };
    ASSERT_TRUE(world.start());
  }
  void append_mebibytes(int count) {
    for (; count > 0; --count) ASSERT_TRUE(world.append({.values = {std::string(record_bytes, 'x')}}));
  }
  // On disk, or until it is written to the disk in the page cache.
  [[nodiscard]] std::uint64_t allocated_bytes() const {
    struct ::stat found{};
    EXPECT_EQ(::stat(log_path.c_str(), &found), 0);
    return static_cast<std::uint64_t>(found.st_blocks) * 512;
  }
  // Not every file system knows how.
  [[nodiscard]] bool can_reserve() const {
    auto file = posix_file_system().open(world.partition_path() + "/scratch", OpenMode::read_write_or_create);
    return (*file)->reserve(0, 4096);
  }

  FailingFileSystem files;
  LogWorld world{taking_large_batches(), files};
  const std::string log_path = world.partition_path() + "/00000000000000000000.log";
  std::vector<std::string> seen;
  std::optional<ErrorKind> refusal;
};

TEST_F(GrowingSegment, HasItsBlocksAheadAndGivesBackWhatIsLeft) {
  append_mebibytes(7);
  EXPECT_EQ(std::ranges::count(seen, "reserve"), 0) << "it is small";
  append_mebibytes(13);
  const auto reserved = std::ranges::count(seen, "reserve");
  EXPECT_GE(reserved, 4);
  EXPECT_LE(reserved, 7) << "an eighth more each time";
  const auto size_bytes = std::filesystem::file_size(log_path);
  EXPECT_EQ(size_bytes / record_bytes, 20U);
  if (can_reserve()) EXPECT_GT(allocated_bytes(), size_bytes + record_bytes / 4);
  const auto modified = std::filesystem::last_write_time(log_path);
  seen.clear();
  ASSERT_TRUE(world.stop());
  EXPECT_EQ(seen, std::vector<std::string>{"truncate"});
  EXPECT_EQ(std::filesystem::file_size(log_path), size_bytes);
  EXPECT_LT(allocated_bytes(), size_bytes + record_bytes / 8);
  EXPECT_LE(std::filesystem::last_write_time(log_path), modified + std::chrono::milliseconds(1))
      << "nothing was written";
  ASSERT_TRUE(world.start());
  EXPECT_EQ(world.read_all().size(), 20U);
}

TEST_F(GrowingSegment, GrowsWhereNothingCanBeReserved) {
  refusal = ErrorKind::no_space;
  append_mebibytes(20);
  EXPECT_LE(std::ranges::count(seen, "reserve"), 7);
  EXPECT_EQ(world.read_all().size(), 20U);
}

}  // namespace
}  // namespace millrace::log::test
