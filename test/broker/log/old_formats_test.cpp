// Logs of message formats 0 and 1, as Kafka 0.8 to 0.10 wrote them and later ones with log.message.format.version:
// recovered as Kafka 3.9 recovers them. The golden directories are made by test/compat/java/RecoverOldFormats.java.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "broker/base/logging.h"
#include "broker/log/loaded_log.h"
#include "broker/log/log_directory.h"
#include "test/broker/log/log_world.h"
#include "test/support/source_tree.h"

namespace millrace::log::test {
namespace {

namespace fs = std::filesystem;

std::string golden(const std::string& name) {
  return source_path("test/broker/log/golden/kafka_3_9_old_formats_" + name);
}

std::vector<std::string> partitions() {
  std::vector<std::string> found;
  for (const auto& name : names_in(golden("killed"))) found.push_back(name.substr(0, name.rfind('-')));
  return found;
}

LogConfig config_of_golden() {
  LogConfig config;
  config.index_interval_bytes = 300;
  config.segment_index_bytes = 12'000;
  return config;
}

struct OldFormats : testing::Test {
  void SetUp() override {
    set_log_level(LogLevel::error);
    fs::copy(golden("killed"), world.data_path(), fs::copy_options::recursive);
  }
  void TearDown() override { set_log_level(LogLevel::info); }
  void start() {
    ASSERT_TRUE(world.start());
    ASSERT_TRUE(world.manager->unusable().empty()) << world.manager->unusable().front().second;
  }
  // What Kafka said of times, and how long its logs were.
  void expect_kafkas_answers() {
    std::ifstream lines(golden("recovered") + "/expected.tsv");
    std::size_t times = 0;
    std::size_t logs = 0;
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string kind;
      std::string partition;
      words >> kind >> partition;
      const auto topic = partition.substr(0, partition.rfind('-'));
      if (kind == "log") {
        std::string file;
        std::uint64_t size_bytes = 0;
        words >> file >> size_bytes;
        ++logs;
        EXPECT_EQ(fs::file_size(world.partition_path(topic) + "/" + file), size_bytes) << partition << " " << file;
      } else {
        std::int64_t asked = 0;
        std::int64_t offset = 0;
        std::int64_t found = 0;
        words >> asked >> offset >> found;
        ++times;
        const auto answer = world.find_offset(TimestampMs(asked), topic);
        ASSERT_TRUE(answer) << answer.error().message;
        EXPECT_EQ(answer->offset, Offset(offset)) << line;
        EXPECT_EQ(answer->timestamp, TimestampMs(found)) << line;
      }
    }
    EXPECT_EQ(logs, 25U);
    EXPECT_GT(times, 1000U);
  }
  // The bytes that a fetch from `offset` on gets.
  Bytes fetched(const std::string& topic, Offset offset) {
    auto data = world.read(offset, 1 << 20, std::nullopt, true, topic);
    EXPECT_TRUE(data) << data.error().message;
    return data ? world.bytes_of(*data) : Bytes();
  }

  LogWorld world{config_of_golden()};
};

TEST_F(OldFormats, AreRecoveredWithTheIndexesThatKafkaMakes) {
  start();
  for (const auto& topic : partitions()) {
    EXPECT_GT(world.log(topic)->recovery().segments_scanned, 0U);
    const bool torn =
        topic.ends_with("cut") || topic.ends_with("prefix") || topic.ends_with("zeros") || topic.ends_with("crc");
    EXPECT_EQ(world.log(topic)->recovery().truncated_bytes > 0, torn) << topic;
  }
  expect_kafkas_answers();
  ASSERT_TRUE(world.stop());
  for (const auto& topic : partitions()) {
    const auto theirs = golden("recovered") + "/" + topic + "-0";
    for (const auto& name : names_in(theirs)) {
      EXPECT_EQ(file_bytes(world.partition_path(topic) + "/" + name), file_bytes(theirs + "/" + name))
          << topic << " " << name;
    }
  }
}

TEST_F(OldFormats, AreTheSameAfterACleanStop) {
  start();
  ASSERT_TRUE(world.stop());
  start();
  for (const auto& topic : partitions()) EXPECT_EQ(world.log(topic)->recovery().segments_scanned, 0U) << topic;
  expect_kafkas_answers();
}

TEST_F(OldFormats, AreServedAsTheyAre) {
  start();
  for (const auto& topic : {"v0", "v1", "mixed"}) {
    const auto path = world.partition_path(topic) + "/" + segment_file_name(Offset(0), ".log");
    EXPECT_EQ(fetched(topic, Offset(0)), file_bytes(path)) << topic;
  }
}

TEST_F(OldFormats, TakeAppendsOfTheNewOneBehindThem) {
  start();
  for (const auto* topic : {"v0", "v1", "v1cut"}) {
    const auto end = world.log(topic)->log_end_offset();
    auto batch = make_batch({.values = {"new"}});
    auto appended = world.append(std::move(batch), AppendOrigin::client, topic);
    ASSERT_TRUE(appended);
    EXPECT_EQ(appended->base_offset, end);
    world.kill();
    start();
    EXPECT_EQ(world.log(topic)->log_end_offset(), end + 1);
    EXPECT_EQ(records_in(fetched(topic, end)), (std::vector<ReadRecord>{{end, "new"}}));
  }
}

// Each bit of a message is covered, but for the offset, which is held against the ones before it.
TEST_F(OldFormats, AreCutAtAnyByteThatIsWrong) {
  const auto path = world.partition_path("v1cut") + "/" + segment_file_name(Offset(0), ".log");
  const auto other = world.partition_path("v1cut") + "/" + segment_file_name(Offset(48), ".log");
  const auto whole = file_bytes(other);
  fs::remove(path);
  for (const auto& topic : partitions()) {
    if (topic != "v1cut") fs::remove_all(world.partition_path(topic));
  }
  const auto first_size = 12 + load_big_endian<std::int32_t>(whole.data() + 8);
  const auto second = static_cast<std::size_t>(first_size);
  const auto end = second + 12 + static_cast<std::size_t>(load_big_endian<std::int32_t>(whole.data() + second + 8));
  for (auto at = second + 8; at < end; ++at) {
    SCOPED_TRACE(at - second);
    auto bad = whole;
    bad[at] ^= 0x10;
    write_file(other, bad);
    start();
    EXPECT_EQ(fs::file_size(other), second);
    world.kill();
  }
}

}  // namespace
}  // namespace millrace::log::test
