// Segments whose space is reserved when they are made (preallocate): what is not used is given back, and files that
// Kafka has made as long as a segment may become are taken over.
#include <gtest/gtest.h>

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
      return std::optional<ErrorKind>();
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

}  // namespace
}  // namespace millrace::log::test
