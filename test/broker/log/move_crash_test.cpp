// The power goes before every change that a move between two log directories makes, and after every one: at the next start one of
// the two is the log, with all that was synced, and the move goes on or is over.
#include <gtest/gtest.h>

#include "broker/base/logging.h"
#include "test/broker/log/move_world.h"

namespace millrace::log::test {
namespace {

LogConfig small_segments() {
  LogConfig config;
  config.segment_bytes = 900;
  config.index_interval_bytes = 100;
  config.segment_index_bytes = 400;
  return config;
}

class CrashedMove {
 public:
  CrashedMove(CrashFileSystem& files, std::uint64_t change) : files_(files), world_(small_segments(), files) {
    EXPECT_TRUE(world_.start_all());
    world_.fill(6);
    EXPECT_TRUE(world_.log()->advance_log_start_offset(Offset(7)));
    world_.log()->flush([](const Status& status) { EXPECT_TRUE(status); });
    world_.shard.run();
    EXPECT_TRUE(world_.manager->write_checkpoints());
    synced_ = world_.read_all(Offset(7));
    all_ = synced_;
    files_.crash_after = change;
  }

  // Whether the power went before the life was over. Records are appended while the replica moves, there and back.
  bool run() {
    for (const auto& path : {world_.second(), world_.first()}) {
      world_.after_turns(4, [this] { append("during the move"); });
      world_.after_turns(30, [this] { append("further on"); });
      std::optional<MoveOutcome> answer;
      world_.manager->move({"events", PartitionIndex(0)}, path, true, [&](MoveOutcome outcome) { answer = outcome; });
      world_.finish();
      append("after the move");
      world_.log()->flush([this, count = all_.size()](const Status& status) {
        if (status) synced_.assign(all_.begin(), all_.begin() + static_cast<std::ptrdiff_t>(count));
      });
      world_.shard.run();
      if (!files_.crashed()) EXPECT_EQ(world_.place(), path);
    }
    const bool crashed = files_.crashed();
    files_.crash();
    world_.kill();
    files_.restart();
    if (!testing::Test::HasFailure()) check();
    return crashed;
  }

 private:
  void append(const std::string& value) {
    auto batch = std::make_shared<Bytes>(make_batch({.values = {value}}));
    world_.log()->append({*batch, AppendOrigin::client, world_.leader_epoch, TimestampMs(0)},
                         [this, batch, value](const AppendOutcome& outcome) {
                           if (outcome) all_.push_back({outcome->base_offset, value});
                         });
  }

  void check() {
    const auto started = world_.start_all();
    ASSERT_TRUE(started) << started.error().message;
    EXPECT_TRUE(world_.manager->unusable().empty());
    auto records = world_.read_all(Offset(7));
    expect_all_that_was_synced(records);
    EXPECT_EQ(world_.log()->log_start_offset(), Offset(7));
    const auto appended = world_.append({.values = {"after the crash"}});
    ASSERT_TRUE(appended) << appended.error().message;
    records.push_back({appended->base_offset, "after the crash"});
    world_.finish();
    EXPECT_EQ(world_.hosted().size(), 1U) << "the move has gone on";
    EXPECT_EQ(world_.read_all(Offset(7)), records);
    ASSERT_TRUE(world_.stop());
    ASSERT_TRUE(world_.start_all());
    EXPECT_TRUE(world_.log()->recovery().clean);
    EXPECT_EQ(world_.read_all(Offset(7)), records);
  }

  void expect_all_that_was_synced(const std::vector<ReadRecord>& records) {
    ASSERT_GE(records.size(), synced_.size());
    ASSERT_LE(records.size(), all_.size());
    for (std::size_t at = 0; at < records.size(); ++at) ASSERT_EQ(records[at], all_[at]);
  }

  CrashFileSystem& files_;
  MoveWorld world_;
  std::vector<ReadRecord> synced_;
  std::vector<ReadRecord> all_;
};

TEST(CrashedMoves, KeepWhatWasSyncedAndOneLogWheneverThePowerGoes) {
  set_log_level(LogLevel::off);
  std::uint64_t points = 0;
  at_each_change(2000, [&](CrashFileSystem& files, std::uint64_t change, bool& crashed) {
    crashed = CrashedMove(files, change).run();
    points = change;
  });
  EXPECT_GT(points, 100U) << "both moves have many changes";
  set_log_level(LogLevel::info);
}

}  // namespace
}  // namespace millrace::log::test
