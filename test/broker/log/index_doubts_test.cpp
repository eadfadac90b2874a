// Index entries that look wrong to a reader, and whether they are: to a segment that is being cut, or has been, they need not fit.
#include <gtest/gtest.h>

#include <filesystem>

#include "broker/log/batch_scanner.h"
#include "broker/log/index_check.h"
#include "test/broker/log/failing_files.h"
#include "test/broker/log/scrub_world.h"

namespace millrace::log::test {
namespace {

const std::string first_segment = "00000000000000000000";

struct IndexDoubts : testing::Test {
  void SetUp() override {
    scrubbed.world.options.tail_window_bytes = 0;
    ASSERT_TRUE(world.start());
    for (int number = 0; number < 12; ++number)
      ASSERT_TRUE(world.append({.values = {std::to_string(number)}, .timestamp = TimestampMs(1'000 + number)}));
    ASSERT_GT(world.log()->published().segments, 1U);
    ASSERT_TRUE(world.stop());
    ASSERT_TRUE(world.start());
  }
  // Its entries lead to where no batch begins.
  void damage_offset_index() {
    auto bytes = file_bytes(world.partition_path() + "/" + first_segment + ".index");
    for (std::size_t at = 7; at < bytes.size(); at += 8) ++bytes[at];
    write_file(world.partition_path() + "/" + first_segment + ".index", bytes);
  }
  std::uint64_t told() { return scrubbed.reports().index_entries(FoundBy::fetch); }
  void read(Offset offset) {
    world.log()->read({offset, world.log()->log_end_offset(), 1, true}, [this](const ReadOutcome& outcome) {
      EXPECT_TRUE(outcome);
      ++answers;
    });
  }

  ScrubWorld scrubbed;
  LogWorld& world = scrubbed.world;
  int answers = 0;
};

TEST_F(IndexDoubts, AreToldOfASegmentThatTheLogHas) {
  damage_offset_index();
  read(Offset(3));
  world.shard.run();
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(told(), 1U);
  EXPECT_EQ(world.find_offset(TimestampMs(1'003))->offset, Offset(3));
}

TEST_F(IndexDoubts, AreToldWhereThePageCacheHasTheEntries) {
  auto& faults = *dynamic_cast<FaultFileSystem&>(unsynced_files()).faults;
  faults.cached_bytes = [](const auto&, auto) { return std::size_t{1} << 20; };
  damage_offset_index();
  read(Offset(3));
  world.shard.run();
  faults.cached_bytes = nullptr;
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(told(), 1U);
}

TEST_F(IndexDoubts, AreNotToldBesideATruncation) {
  read(Offset(3));
  world.log()->find_offset(TimestampMs(1'003), [this](const TimestampOutcome& outcome) {
    EXPECT_TRUE(outcome);
    ++answers;
  });
  damage_offset_index();
  std::optional<Status> truncated;
  world.log()->truncate_to(Offset(4), [&](const Status& status) { truncated = status; });
  world.shard.run();
  EXPECT_EQ(answers, 2);
  EXPECT_TRUE(truncated && *truncated);
  EXPECT_EQ(told(), 0U);
}

TEST(SegmentsThatWereMadeShorter, AreReadNoMoreOftenThanOthers) {
  FailingFileSystem files;
  LogWorld world(small_segments(), files);
  ASSERT_TRUE(world.start());
  for (int number = 0; number < 12; ++number) ASSERT_TRUE(world.append({.values = {std::to_string(number)}}));
  ASSERT_GT(world.log()->published().segments, 1U);
  const auto path = world.partition_path() + "/" + first_segment + ".log";
  std::filesystem::resize_file(path, 100);
  std::size_t reads = 0;
  files.calls->fault = [&](std::string_view call, const std::string& of) -> std::optional<ErrorKind> {
    if (call == "read" && of == path) ++reads;
    return std::nullopt;
  };
  SegmentScrub scrub(*world.log()->segment_to_scrub(Offset(0)));
  ASSERT_FALSE(scrub.step(1 << 20).value());
  EXPECT_LE(reads, 10U);
  ASSERT_FALSE(scrub.findings().empty());
  EXPECT_NE(scrub.findings().front().what.find("no sound batch follows"), std::string::npos);
  files.calls->fault = nullptr;
}

// More than are read at once.
struct LongTransactionIndexes : testing::Test {
  static constexpr int transactions = 600;

  void SetUp() override {
    ASSERT_TRUE(world.start());
    for (int number = 0; number < transactions; ++number) {
      const ProducerId producer(number % 3);
      ASSERT_TRUE(world.append({.values = {"x"},
                                .producer_id = producer,
                                .producer_epoch = ProducerEpoch(0),
                                .base_sequence = Sequence(number / 3),
                                .transactional = true}));
      ASSERT_TRUE(world.append(marker_batch(producer, ProducerEpoch(0), false, 1), AppendOrigin::coordinator));
    }
    ASSERT_TRUE(world.append({.values = {std::string(1'000'000, 'x')}}));
    ASSERT_EQ(world.log()->published().segments, 2U);
    index = file_bytes(path());
    ASSERT_EQ(index.size(), 34U * transactions);
  }
  static LogConfig one_large_segment() {
    auto config = small_segments();
    config.segment_bytes = 1 << 20;
    config.segment_index_bytes = 1 << 20;
    return config;
  }
  [[nodiscard]] std::string path() const { return world.partition_path() + "/" + first_segment + ".txnindex"; }
  // What is found when so many producers are remembered.
  std::size_t found_with(std::size_t most_producers) {
    const auto segment = *world.log()->segment_to_scrub(Offset(0));
    auto file = *segment.view.log_file->open();
    std::size_t found = 0;
    TransactionIndexCheck check(
        segment.view.transactions, Offset(0), true, [&](const std::string&) { ++found; }, most_producers);
    EXPECT_TRUE(check.begin());
    BatchScanner scanner(*file, 0, segment.view.size_bytes);
    while (*scanner.next()) EXPECT_TRUE(check.on_batch(*file, scanner.batch()));
    EXPECT_TRUE(check.finish());
    return found;
  }

  ScrubWorld scrubbed{one_large_segment()};
  LogWorld& world = scrubbed.world;
  Bytes index;
};

TEST_F(LongTransactionIndexes, AreCheckedToTheirEnd) {
  EXPECT_TRUE(scrubbed.scrub().empty());
  auto bytes = index;
  bytes[34 * 599 + 9] ^= 4;  // the producer
  write_file(path(), bytes);
  const auto findings = scrubbed.scrub();
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_NE(findings.front().what.find("the marker is of producer 2"), std::string::npos) << findings.front().what;
}

TEST_F(LongTransactionIndexes, AreLeftWhereTheyCannotBeRead) {
  auto bytes = index;
  bytes[34 * 599 + 1] ^= 4;  // the version
  bytes[9] ^= 4;
  write_file(path(), bytes);
  const auto findings = scrubbed.scrub();
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_NE(findings.front().what.find("the marker is of producer 0"), std::string::npos) << findings.front().what;
  EXPECT_NE(findings.back().what.find("entry 599 has version 4"), std::string::npos) << findings.back().what;
}

TEST_F(LongTransactionIndexes, OfManyProducersAreComparedWithTheMarkersOnly) {
  auto bytes = index;
  bytes[17] ^= 4;  // the first offset of the first one
  write_file(path(), bytes);
  EXPECT_EQ(found_with(3), 1U);
  EXPECT_EQ(found_with(0), 0U);
  bytes[9] ^= 4;  // its producer
  write_file(path(), bytes);
  EXPECT_EQ(found_with(0), 1U);
}

}  // namespace
}  // namespace millrace::log::test
