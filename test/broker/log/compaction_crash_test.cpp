// The power goes while a log is compacted: at each change of the disk in turn, from the first of a pass to its last,
// with several fates of what was not synced.
#include <gtest/gtest.h>

#include <vector>

#include "broker/base/logging.h"
#include "test/broker/log/cleaned_world.h"
#include "test/broker/log/crash_file_system.h"

namespace millrace::log::test {
namespace {

struct CompactionCrash : testing::Test {
  void SetUp() override { set_log_level(LogLevel::off); }
  void TearDown() override { set_log_level(LogLevel::info); }

  static constexpr int batches = 25;

  // Returns whether the pass had come to its end before `change`. `plain`: the topic is no compacted one any more when
  // the machine is back.
  static bool crash_at(std::uint64_t change, std::uint64_t fate, bool second_pass, bool plain) {
    SCOPED_TRACE("change " + std::to_string(change) + ", fate " + std::to_string(fate));
    SeededRandom random(change * 100 + fate);
    CrashFileSystem files(random);
    CleanedWorld cleaned(compacted_config(), files);
    auto& world = cleaned.world;
    EXPECT_TRUE(world.start());
    std::int64_t end = 3 * batches;
    cleaned.write(batches);
    if (second_pass) {
      cleaned.start_cleaner();
      EXPECT_TRUE(cleaned.stop_cleaner());
      cleaned.flush();
      EXPECT_TRUE(world.stop());
      EXPECT_TRUE(world.start());
      cleaned.write(batches);
      end *= 2;
    }
    cleaned.flush();
    files.crash_after = change;
    cleaned.start_cleaner();
    world.shard.advance(std::chrono::minutes(2));  // what was replaced is removed
    const bool ended = !files.crashed();
    files.crash();
    world.kill();
    files.restart();
    world.config.compacted = !plain;
    world.config.deleted_by_age_or_size = plain;
    EXPECT_TRUE(world.start());
    EXPECT_TRUE(world.manager->unusable().empty());
    EXPECT_EQ(world.log()->log_end_offset(), Offset(end)) << "all of it was synced";
    cleaned.check(end);
    const auto left = files.list(world.log()->directory()).value();
    for (const auto& entry : left) {
      EXPECT_FALSE(entry.name.ends_with(".cleaned") || entry.name.ends_with(".swap") ||
                   entry.name.ends_with(".deleted"))
          << entry.name;
    }
    expect_indexes_of_a_rebuild(world);
    if (plain) return ended;
    cleaned.publish();
    cleaned.start_cleaner();
    cleaned.check(end);
    cleaned.expect_no_duplicates_below(cleaned.cleaned_to().value());
    EXPECT_TRUE(cleaned.stop_cleaner());
    EXPECT_TRUE(world.stop());
    return ended;
  }

  // Every batch that is left is found by its index.
  static void expect_indexes_of_a_rebuild(LogWorld& world) {
    for (const auto& record : world.read_all()) {
      auto data = world.read(record.offset, 1);
      ASSERT_TRUE(data) << data.error().message;
      bool found = false;
      for (const auto& there : records_in(world.bytes_of(*data))) found = found || there == record;
      EXPECT_TRUE(found) << record.offset.value();
    }
  }

  static void crash_everywhere(std::uint64_t fates, bool second_pass, bool plain) {
    std::uint64_t moments = 0;
    bool ended = false;
    for (std::uint64_t change = 0; !ended && !HasFailure(); ++change) {
      for (std::uint64_t fate = 0; fate < fates; ++fate, ++moments) ended = crash_at(change, fate, second_pass, plain);
    }
    RecordProperty("moments", static_cast<int>(moments));
    EXPECT_GT(moments, 100U);
  }
};

TEST_F(CompactionCrash, LosesNothingAtAnyChangeOfALogsFirstPass) { crash_everywhere(4, false, false); }
TEST_F(CompactionCrash, LosesNothingAtAnyChangeOfALaterPass) { crash_everywhere(2, true, false); }
TEST_F(CompactionCrash, LosesNothingWhenTheTopicIsNoCompactedOneAnyMoreAtTheStart) { crash_everywhere(2, false, true); }

}  // namespace
}  // namespace millrace::log::test
