// What a loss of power may not take along with the records that were not synced.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "broker/base/logging.h"
#include "test/broker/log/cleaned_world.h"
#include "test/broker/log/crash_file_system.h"
#include "test/broker/log/held_disk.h"
#include "test/broker/log/log_answers.h"

namespace millrace::log::test {
namespace {

constexpr std::uint64_t fates = 30;

struct LostPages : testing::Test {
  void SetUp() override { set_log_level(LogLevel::off); }
  void TearDown() override { set_log_level(LogLevel::info); }

  // Each time on a disk of its own, which loses other pages.
  template <class Life>
  static void with_each_fate(std::uint64_t count, Life life) {
    for (std::uint64_t fate = 0; fate < count && !HasFailure(); ++fate) {
      SCOPED_TRACE(fate);
      SeededRandom random(fate);
      CrashFileSystem files(random);
      life(files, fate);
    }
  }

  static void lose_power(CrashFileSystem& files, LogWorld& world) {
    files.crash();
    world.kill();
    files.restart();
    const auto started = world.start();
    ASSERT_TRUE(started) << started.error().message;
    ASSERT_TRUE(world.manager->unusable().empty()) << world.manager->unusable().front().second;
  }
};

TEST_F(LostPages, LeaveTheStartOfALogThatHasLostAllRecordsBehindIt) {
  with_each_fate(fates, [&](CrashFileSystem& files, std::uint64_t fate) {
    LogWorld world({}, files);
    ASSERT_TRUE(world.start());
    for (int number = 0; number < 3; ++number) ASSERT_TRUE(world.append({.values = {"a"}}));
    world.log()->publish_high_watermark(Offset(2));
    ASSERT_TRUE(world.log()->advance_log_start_offset(Offset(2)));
    // The file of the leader epochs knows of it then, and a start that has no need to write it syncs nothing by that.
    if (fate % 2 == 0) world.shard.run();
    ASSERT_TRUE(world.manager->write_checkpoints());
    for (int time = 0; time < 2 && !HasFailure(); ++time) {
      lose_power(files, world);
      EXPECT_EQ(world.log()->log_start_offset(), Offset(2));
      EXPECT_GE(world.log()->log_end_offset(), Offset(2));
      // From here on the start is known by the name of the first segment alone, where that begins with it.
      ASSERT_TRUE(world.manager->write_checkpoints());
    }
  });
}

// The log's start moves on, the epochs below it go, and then the start is the old one again.
TEST_F(LostPages, LeaveTheEpochsOfRecordsThatAreReadableAgain) {
  with_each_fate(fates, [&](CrashFileSystem& files, std::uint64_t) {
    LogWorld world({}, files);
    ASSERT_TRUE(world.start());
    for (int epoch = 1; epoch <= 3; ++epoch) {
      world.leader_epoch = LeaderEpoch(epoch);
      ASSERT_TRUE(world.log()->start_leader_epoch(world.leader_epoch));
      for (int number = 0; number < 2; ++number) ASSERT_TRUE(world.append({.values = {"a"}}));
    }
    world.log()->flush([](const Status& status) { EXPECT_TRUE(status); });
    world.shard.run();
    world.log()->publish_high_watermark(Offset(5));
    ASSERT_TRUE(world.manager->write_checkpoints());
    ASSERT_TRUE(world.log()->advance_log_start_offset(Offset(5)));
    world.shard.run();
    lose_power(files, world);
    const auto start = world.log()->log_start_offset();
    EXPECT_EQ(start, Offset(0)) << "no checkpoint has the new one";
    for (auto offset = start; offset < Offset(6); offset = offset + 1)
      EXPECT_EQ(world.log()->leader_epoch_for(offset).value(), offset.value() / 2 + 1) << offset.value();
  });
}

// Its index of them is built anew by a start, and its records need no sync any more when the next segment begins.
TEST_F(LostPages, LeaveTheAbortedTransactionsOfASegmentThatARecoveryHasRead) {
  with_each_fate(fates, [&](CrashFileSystem& files, std::uint64_t) {
    LogConfig config;
    config.segment_bytes = 300;
    LogWorld world(config, files);
    ASSERT_TRUE(world.start());
    const ProducerId producer(6);
    ASSERT_TRUE(world.append({.values = {"a"},
                              .producer_id = producer,
                              .producer_epoch = ProducerEpoch(0),
                              .base_sequence = Sequence(0),
                              .transactional = true}));
    ASSERT_TRUE(world.append(marker_batch(producer, ProducerEpoch(0), false, 1), AppendOrigin::coordinator));
    world.log()->flush([](const Status& status) { EXPECT_TRUE(status); });
    world.shard.run();
    ASSERT_TRUE(world.manager->write_checkpoints());
    world.kill();
    ASSERT_TRUE(world.start());
    ASSERT_TRUE(world.append({.values = {std::string(200, 'b')}}));
    lose_power(files, world);
    EXPECT_EQ(read_committed_row(world, Offset(0), Offset(1)), "aborted from 0 6:0-1/2");
  });
}

// A log of several segments that was stopped cleanly. Below its recovery point the next start believes what it finds,
// and no later sync takes anything along.
struct LostPagesBelowTheRecoveryPoint : LostPages {
  static LogConfig small_segments() {
    LogConfig config;
    config.segment_bytes = 2000;
    config.index_interval_bytes = 1;
    return config;
  }
  // After a start that finds the first segment as `damage` leaves it, and a loss of power, its file `suffix` is as it
  // was.
  template <class Damage>
  static void expect_mended(const std::string& suffix, Damage damage) {
    with_each_fate(10, [&](CrashFileSystem& files, std::uint64_t) {
      LogWorld world(small_segments(), files);
      const auto first = world.partition_path() + "/00000000000000000000";
      auto bytes = [&] { return files.read_text(first + suffix, 1 << 20).value_or("none"); };
      ASSERT_TRUE(world.start());
      for (int number = 0; number < 100; ++number) ASSERT_TRUE(world.append({.values = {"a"}}));
      ASSERT_TRUE(world.stop());
      const auto whole = bytes();
      ASSERT_GT(whole.size(), 100U);
      ASSERT_NO_FATAL_FAILURE(damage(files, first));
      ASSERT_TRUE(files.sync_directory(world.partition_path()));
      ASSERT_TRUE(world.start());
      ASSERT_TRUE(world.manager->unusable().empty()) << world.manager->unusable().front().second;
      ASSERT_EQ(bytes(), whole);
      files.crash();
      world.kill();
      files.restart();
      EXPECT_EQ(bytes(), whole);
    });
  }
};

TEST_F(LostPagesBelowTheRecoveryPoint, LeaveIndexesThatAStartHasBuiltAnew) {
  expect_mended(".index",
                [](CrashFileSystem& files, const std::string& first) { ASSERT_TRUE(files.remove(first + ".index")); });
}

TEST_F(LostPagesBelowTheRecoveryPoint, LeaveASegmentCutThatHadMoreThanItsRecords) {
  expect_mended(".log", [](CrashFileSystem& files, const std::string& first) {
    ASSERT_TRUE(files.remove(first + ".index"));
    auto log = files.open(first + ".log", OpenMode::read_write).value();
    ASSERT_TRUE(log->write_at(log->size_bytes().value(), Bytes(40, 0x11)));
    ASSERT_TRUE(log->sync());
  });
}

struct LostPagesOfACompactedLog : LostPages {
  // The logs' own work waits for `disk`.
  static Status start_on(HeldDisk& disk, FileSystem& files, LogWorld& world) {
    world.manager =
        std::make_unique<LogManager>(world.options, files, world.shard.clock(), world.shard.pool(), world.random,
                                     [&disk](const TopicPartition&) -> Shard& { return disk; });
    return world.manager->open_directories().and_then(
        [&] { return world.manager->load([&](const std::string&) { return world.config; }); });
  }
  // Of each key the synced record is there, or a newer one.
  static void expect_all(LogWorld& world, const std::map<std::string, std::int64_t>& synced) {
    std::map<std::string, std::int64_t> found;
    for (const auto& record : world.read_all(world.log()->log_start_offset())) {
      const auto offset = record.offset.value();
      found["key" + std::to_string((offset / 3 * 7 + offset % 3 * 3) % CleanedWorld::keys)] = offset;
    }
    for (const auto& [key, offset] : synced) {
      ASSERT_TRUE(found.contains(key)) << key;
      EXPECT_GE(found[key], offset) << key;
    }
  }
};

TEST_F(LostPagesOfACompactedLog, LeaveTheSyncedRecordOfAKeyWhoseNewerOneIsLost) {
  with_each_fate(fates, [&](CrashFileSystem& files, std::uint64_t) {
    CleanedWorld cleaned(compacted_config(), files);
    auto& world = cleaned.world;
    ASSERT_TRUE(world.start());
    cleaned.write(20);
    cleaned.flush();
    const auto synced = cleaned.newest["events"];
    cleaned.write(20);
    cleaned.start_cleaner();
    EXPECT_GT(cleaned.cleaned_to(), Offset(60)) << "it was compacted";
    lose_power(files, world);
    expect_all(world, synced);
  });
}

// Records take the place of others only when they are on the disk themselves. Here the disk is so slow that the
// segments which the cleaner reads are not synced yet.
TEST_F(LostPagesOfACompactedLog, LeaveTheSyncedRecordOfAKeyWhoseNewerOneWaitsForTheDisk) {
  with_each_fate(fates, [&](CrashFileSystem& files, std::uint64_t) {
    CleanedWorld cleaned(compacted_config(), files);
    auto& world = cleaned.world;
    HeldDisk disk(world.shard);
    ASSERT_TRUE(start_on(disk, files, world));
    cleaned.write(4);
    cleaned.flush();
    const auto synced = cleaned.newest["events"];
    disk.hold();
    cleaned.write(5);
    ASSERT_TRUE(disk.work()) << "a segment has begun, and the one before it is synced";
    ASSERT_FALSE(disk.work());
    cleaned.write(60);
    cleaned.start_held_cleaner();
    auto clean = [&] {
      while (cleaned.run_threads()) {
      }
    };
    clean();
    disk.answer();
    clean();
    ASSERT_TRUE(disk.work());
    disk.answer();
    files.crash();
    disk.release();
    lose_power(files, world);
    expect_all(world, synced);
  });
}

}  // namespace
}  // namespace millrace::log::test
