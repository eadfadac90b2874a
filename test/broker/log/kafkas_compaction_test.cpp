// Segments as Kafka's cleaner made them before 3.9.1 (KAFKA-806): one index entry for all that it wrote together, with the
// offset of the last record that was left, while the batch keeps the last offset that it had.
#include <gtest/gtest.h>

#include <filesystem>

#include "broker/log/meta_properties.h"
#include "test/broker/log/scrub_world.h"
#include "test/support/source_tree.h"

namespace millrace::log::test {
namespace {

const std::string topic = "batches";

// Batches of ten records, of which the last four are superseded: entries (145, 2564) of the batches [100, 109] to [140, 149],
// (305, 3885) of [300, 309] alone.
struct KafkasCompactedSegments : testing::Test {
  void SetUp() override {
    const auto golden = source_path("test/broker/log/golden/kafka_3_9_0_compacted");
    std::filesystem::copy(golden, world.data_path(), std::filesystem::copy_options::recursive);
    write_file(world.data_path() + "/.kafka_cleanshutdown", as_bytes("{\"version\":0,\"brokerEpoch\":1}"));
    auto identity = read_meta_properties(posix_file_system(), golden);
    ASSERT_TRUE(identity && *identity);
    world.options.cluster_id = (*identity)->cluster_id;
    world.options.broker_id = (*identity)->broker_id;
    world.config.compacted = true;
    ASSERT_TRUE(world.start());
    ASSERT_TRUE(world.manager->unusable().empty()) << world.manager->unusable().front().second;
  }
  std::vector<SegmentToScrub> closed_segments() {
    std::vector<SegmentToScrub> found;
    for (Offset from(0); auto segment = world.log(topic)->segment_to_scrub(from); from = segment->end)
      found.push_back(*segment);
    return found;
  }
  std::string path(const std::string& name) { return world.partition_path(topic) + "/" + name; }

  ScrubWorld scrubbed;
  LogWorld& world = scrubbed.world;
};

TEST_F(KafkasCompactedSegments, HaveNothingToFind) {
  for (const auto& finding : scrubbed.scrub(topic)) ADD_FAILURE() << finding.what;
}

TEST_F(KafkasCompactedSegments, AreSearchedFromTheirIndexEntriesOn) {
  std::size_t entries = 0;
  for (const auto& segment : closed_segments()) {
    const auto& view = segment.view;
    auto file = *view.log_file->open();
    for (std::size_t number = 0; number < view.offset_index.entries(); ++number) {
      const auto entry = view.offset_index.entry(number).value();
      EXPECT_EQ(view.trusted_position(*file, entry).value(), std::optional<std::uint64_t>(entry.position));
      ++entries;
    }
    for (std::size_t number = 0; number < view.time_index.entries(); ++number)
      EXPECT_TRUE(view.trusted_position(*file, view.time_index.entry(number).value()).value()) << number;
  }
  EXPECT_EQ(entries, 12U);
}

TEST_F(KafkasCompactedSegments, AreReadFromEveryOffsetWithoutAComplaint) {
  for (std::int64_t offset = 0; offset < 800; ++offset) {
    auto data = world.read(Offset(offset), 1, std::nullopt, true, topic);
    ASSERT_TRUE(data) << data.error().message;
    const auto bytes = world.bytes_of(*data);
    const auto header = protocol::parse_batch(bytes).value().header;
    EXPECT_EQ(header.base_offset, Offset(offset / 10 * 10));
  }
  EXPECT_EQ(scrubbed.reports().index_entries(FoundBy::fetch), 0U);
}

TEST_F(KafkasCompactedSegments, MayBeCutWithinTheBatchOfAnEntry) {
  std::optional<Status> truncated;
  world.log(topic)->truncate_to(Offset(307), [&](const Status& status) { truncated = status; });
  world.shard.run();
  ASSERT_TRUE(truncated && *truncated) << (truncated ? truncated->error().message : "never answered");
  EXPECT_EQ(file_bytes(path("00000000000000000150.log")).size(), 3885U);
  auto batch = make_batch({.values = {"new"}, .base_offset = Offset(307), .leader_epoch = LeaderEpoch(0)});
  ASSERT_TRUE(world.append(batch, AppendOrigin::replica, topic));
  EXPECT_EQ(world.read_all(Offset(300), 1 << 20, topic), (std::vector<ReadRecord>{{Offset(307), "new"}}));
  ASSERT_TRUE(world.stop());
  ASSERT_TRUE(world.start());
  EXPECT_EQ(world.read_all(Offset(306), 1 << 20, topic), (std::vector<ReadRecord>{{Offset(307), "new"}}));
  EXPECT_EQ(scrubbed.reports().index_entries(FoundBy::fetch), 0U);
}

TEST_F(KafkasCompactedSegments, AreStillFoundToHaveEntriesThatHideRecords) {
  ASSERT_TRUE(world.stop());
  auto bytes = file_bytes(path("00000000000000000150.index"));
  store_big_endian(bytes.data(), std::int32_t{199 - 150});  // the first batch there begins at offset 200
  write_file(path("00000000000000000150.index"), bytes);
  ASSERT_TRUE(world.start());
  const auto findings = scrubbed.scrub(topic);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_NE(findings.front().what.find("00000000000000000150.index: entry 0"), std::string::npos);
  EXPECT_TRUE(world.read(Offset(199), 1, std::nullopt, true, topic));
  EXPECT_EQ(scrubbed.reports().index_entries(FoundBy::fetch), 1U);
}

}  // namespace
}  // namespace millrace::log::test
