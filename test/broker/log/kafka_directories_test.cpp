// Log directories that Kafka wrote, taken over.
#include <gtest/gtest.h>

#include <filesystem>

#include "broker/log/loaded_log.h"
#include "broker/log/meta_properties.h"
#include "test/broker/log/log_world.h"
#include "test/support/source_tree.h"

namespace millrace::log::test {
namespace {

struct KafkaDirectories : testing::Test {
  void take(const std::string& name) {
    const auto golden = source_path("test/broker/log/golden/" + name);
    std::filesystem::copy(golden, world.data_path(), std::filesystem::copy_options::recursive);
    auto identity = read_meta_properties(posix_file_system(), golden);
    ASSERT_TRUE(identity && *identity);
    world.options.cluster_id = (*identity)->cluster_id;
    world.options.broker_id = (*identity)->broker_id;
    ASSERT_TRUE(world.start());
    ASSERT_TRUE(world.manager->unusable().empty()) << world.manager->unusable().front().second;
    ASSERT_EQ(world.manager->logs().size(), 4U);
  }
  void expect_contiguous() {
    for (const auto& log : world.manager->logs()) {
      const auto& topic = log->topic_partition().topic;
      auto records = world.read_all(Offset(0), 1 << 20, topic);
      // Markers of transactions are records, too, here.
      ASSERT_EQ(records.size(), static_cast<std::size_t>(log->log_end_offset().value())) << topic;
    }
  }
  LogWorld world;
};

TEST_F(KafkaDirectories, OfACleanStopAreTakenOverWithoutAScan) {
  take("kafka_3_9_clean");
  EXPECT_TRUE(world.manager->had_clean_shutdown());
  for (const auto& log : world.manager->logs()) EXPECT_EQ(log->recovery().segments_scanned, 0U);
  expect_contiguous();
  EXPECT_EQ(world.log("codecs")->log_end_offset(), Offset(600));
  EXPECT_EQ(world.log("appendtime")->log_end_offset(), Offset(150));
  EXPECT_EQ(world.log("transactions")->log_end_offset(), Offset(45));
}

TEST_F(KafkaDirectories, OfAKilledBrokerAreRecovered) {
  take("kafka_3_9_killed");
  EXPECT_FALSE(world.manager->had_clean_shutdown());
  expect_contiguous();
  EXPECT_GT(world.log("idempotent")->log_end_offset(), Offset(126));
}

}  // namespace
}  // namespace millrace::log::test
