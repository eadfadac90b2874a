// Truncation: what is left, in memory and on the disk, is what a log built anew from the remaining records would be;
// a crash in the middle leaves a prefix.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "broker/base/logging.h"
#include "broker/log/epoch_truncation.h"
#include "test/broker/log/log_answers.h"

namespace millrace::log::test {
namespace {

constexpr TimestampMs noon{1'700'000'000'000};

// ---- to where: the leader's answer

struct EpochsOfAFollower : testing::Test {
  EpochsOfAFollower()
      : epochs({{LeaderEpoch(0), Offset(0)}, {LeaderEpoch(2), Offset(10)}, {LeaderEpoch(4), Offset(20)}}) {}
  [[nodiscard]] EpochTruncation after(std::int32_t epoch, std::int64_t end) const {
    return truncation_for({LeaderEpoch(epoch), Offset(end)}, epochs, Offset(30), Offset(15));
  }
  LeaderEpochCache epochs;
};

TEST_F(EpochsOfAFollower, EndWhereTheLeadersEndOrItsOwn) {
  EXPECT_EQ(after(4, 25), (EpochTruncation{Offset(25), true}));
  EXPECT_EQ(after(4, 40), (EpochTruncation{Offset(30), true})) << "never above the log's end";
  EXPECT_EQ(after(2, 18), (EpochTruncation{Offset(18), true}));
  EXPECT_EQ(after(2, 25), (EpochTruncation{Offset(20), true})) << "its own epoch 2 ends before";
}

TEST_F(EpochsOfAFollower, AreAskedForAgainWhenTheLeadersIsNotAmongThem) {
  EXPECT_EQ(after(3, 22), (EpochTruncation{Offset(20), false})) << "the end of epoch 2, the largest below";
  EXPECT_EQ(after(1, 12), (EpochTruncation{Offset(10), false}));
}

TEST_F(EpochsOfAFollower, DoNotCountWhenTheLeaderKnowsNone) {
  EXPECT_EQ(truncation_for({}, epochs, Offset(30), Offset(15)), (EpochTruncation{Offset(15), true}));
  EXPECT_EQ(truncation_for({}, epochs, Offset(12), Offset(15)), (EpochTruncation{Offset(12), true}));
  EXPECT_EQ(truncation_for({LeaderEpoch::none(), Offset(7)}, epochs, Offset(30), Offset(15)),
            (EpochTruncation{Offset(7), true}))
      << "before KIP-279 the answer named no epoch";
  EXPECT_EQ(truncation_for({LeaderEpoch(5), Offset(7)}, epochs, Offset(30), Offset(15)),
            (EpochTruncation{Offset(7), true}))
      << "younger than all of its own";
}

// ---- what is left

struct Truncation : testing::Test {
  void start(const LogConfig& chosen = of_small_segments()) {
    world = std::make_unique<LogWorld>(chosen, files);
    world->options.producer_id_expiration_ms = LogConfig::unlimited;
    world->shard.manual_clock().set_wall_clock(noon);
    ASSERT_TRUE(world->start());
  }
  void SetUp() override { start(); }
  static LogConfig of_small_segments() {
    LogConfig config;
    config.segment_bytes = 500;
    config.segment_index_bytes = 1200;
    config.index_interval_bytes = 1;
    return config;
  }
  // Batches of two records, offsets 2n and 2n + 1.
  void fill(int batches) {
    for (int number = 0; number < batches; ++number) {
      ASSERT_TRUE(world->append({.values = {"one", std::string(40, 'x')}, .timestamp = noon + number * 100}));
    }
  }
  Status truncate(std::int64_t offset, bool fully = false) {
    std::optional<Status> outcome;
    auto done = [&](Status status) { outcome = std::move(status); };
    fully ? log().truncate_fully_and_start_at(Offset(offset), done) : log().truncate_to(Offset(offset), done);
    world->shard.run();
    EXPECT_TRUE(outcome) << "never answered";
    return outcome.value_or(fail(ErrorKind::timed_out, "never answered"));
  }
  void flush() {
    log().flush([](const Status& status) { ASSERT_TRUE(status); });
    world->shard.run();
  }
  [[nodiscard]] PartitionLog& log() const { return *world->log(); }
  [[nodiscard]] Offset end() const { return log().log_end_offset(); }
  [[nodiscard]] std::vector<std::string> names(std::string_view suffix) { return names_in(files, suffix); }
  [[nodiscard]] std::vector<std::string> names_in(FileSystem& where, std::string_view suffix) const {
    std::vector<std::string> found;
    const auto entries = where.list(world->partition_path());
    for (const auto& entry : *entries) {
      if (entry.name.ends_with(suffix)) found.push_back(entry.name);
    }
    return found;
  }
  [[nodiscard]] std::int64_t checkpointed(std::string_view name) {
    const auto offsets = read_offset_checkpoint(files, world->data_path() + "/" + std::string(name));
    const auto at = offsets->find({"events", PartitionIndex(0)});
    return at == offsets->end() ? -1 : at->second.value();
  }
  void expect_as_rebuilt() { EXPECT_EQ(answers_of(*world), answers_of_rebuilt(*world, files)); }

  SeededRandom random{11};
  CrashFileSystem files{random};
  std::unique_ptr<LogWorld> world;
};

TEST_F(Truncation, EndsTheLogAtTheOffset) {
  fill(12);
  ASSERT_TRUE(truncate(18));
  EXPECT_EQ(end(), Offset(18));
  EXPECT_EQ(world->read_all().size(), 18U);
  auto behind = world->read(Offset(19));
  ASSERT_FALSE(behind);
  EXPECT_EQ(behind.error().kind, ReadErrorKind::offset_out_of_range);
  EXPECT_EQ(world->read(Offset(18))->records.length_bytes, 0U);
  expect_as_rebuilt();
  ASSERT_TRUE(world->append({.values = {"after"}}));
  EXPECT_EQ(world->read_all().back(), (ReadRecord{Offset(18), "after"}));
  expect_as_rebuilt();
}

TEST_F(Truncation, TakesABatchThatStraddlesTheOffsetAsAWhole) {
  fill(5);
  ASSERT_TRUE(truncate(7));
  EXPECT_EQ(end(), Offset(6));
  expect_as_rebuilt();
}

TEST_F(Truncation, ToTheEndOrBeyondChangesNothing) {
  fill(5);
  const auto before = answers_of(*world);
  ASSERT_TRUE(truncate(10));
  ASSERT_TRUE(truncate(1000));
  EXPECT_EQ(answers_of(*world), before);
}

TEST_F(Truncation, ForgetsAnEpochThatStartedAtTheEndWithoutRecords) {
  fill(2);
  ASSERT_TRUE(log().start_leader_epoch(LeaderEpoch(5)));
  EXPECT_EQ(log().latest_leader_epoch(), LeaderEpoch(5));
  ASSERT_TRUE(truncate(4));
  EXPECT_EQ(log().latest_leader_epoch(), LeaderEpoch(0));
  EXPECT_EQ(files.read_text(world->partition_path() + "/leader-epoch-checkpoint", 1000).value(), "0\n1\n0 0\n");
}

TEST_F(Truncation, RefusesANegativeOffset) {
  auto refused = truncate(-1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::invalid_argument);
}

TEST_F(Truncation, RemovesLaterSegmentsTheNewestFirst) {
  fill(12);
  flush();
  ASSERT_GT(log().published().segments, 2U);
  const auto before = names(".log");
  ASSERT_TRUE(truncate(1));
  EXPECT_EQ(end(), Offset(0));
  EXPECT_EQ(names(".log").size(), 1U);
  EXPECT_EQ(names(".log.deleted").size(), before.size() - 1);
  EXPECT_EQ(names(".snapshot"), std::vector<std::string>());
  world->shard.advance(std::chrono::milliseconds(world->config.file_delete_delay_ms));
  world->shard.run();
  EXPECT_TRUE(names(".deleted").empty());
  EXPECT_EQ(log().size_bytes(), 0U);
}

TEST_F(Truncation, MovesTheLogStartWhenThatLiesAboveTheCut) {
  fill(12);
  flush();
  log().publish_high_watermark(Offset(24));
  ASSERT_TRUE(log().advance_log_start_offset(Offset(5)));
  ASSERT_TRUE(world->manager->write_checkpoints());
  EXPECT_EQ(checkpointed(log_start_checkpoint_name), 5);
  ASSERT_TRUE(truncate(2));
  EXPECT_EQ(log().log_start_offset(), Offset(2));
  EXPECT_EQ(end(), Offset(2));
  EXPECT_EQ(checkpointed(log_start_checkpoint_name), 2);
  EXPECT_EQ(checkpointed(recovery_point_checkpoint_name), 2);
  EXPECT_EQ(checkpointed(high_watermark_checkpoint_name), 2);
  world->kill();
  ASSERT_TRUE(world->start());
  EXPECT_EQ(log().log_start_offset(), Offset(2));
  EXPECT_EQ(end(), Offset(2));
}

TEST_F(Truncation, BringsTheRecoveryPointDownOnTheDiskBeforeItAnswers) {
  fill(12);
  flush();
  ASSERT_TRUE(world->manager->write_checkpoints());
  EXPECT_EQ(checkpointed(recovery_point_checkpoint_name), 24);
  ASSERT_TRUE(truncate(10));
  EXPECT_EQ(log().recovery_point(), Offset(10));
  EXPECT_EQ(checkpointed(recovery_point_checkpoint_name), 10);
}

TEST_F(Truncation, LowersTheHighWatermarkToTheEnd) {
  fill(6);
  log().publish_high_watermark(Offset(12));
  ASSERT_TRUE(truncate(8));
  EXPECT_EQ(log().published().high_watermark, 8);
  EXPECT_EQ(checkpointed(high_watermark_checkpoint_name), 8);
}

TEST_F(Truncation, FullyBeginsAnewWherever) {
  for (std::int64_t offset : {100, 7, 0, 12}) {
    CrashFileSystem own(random);
    world = std::make_unique<LogWorld>(of_small_segments(), own);
    ASSERT_TRUE(world->start());
    auto names = [&](std::string_view suffix) { return names_in(own, suffix); };
    SCOPED_TRACE(offset);
    world->leader_epoch = LeaderEpoch(3);
    fill(12);
    log().publish_high_watermark(Offset(20));
    ASSERT_TRUE(truncate(offset, true));
    EXPECT_EQ(log().log_start_offset(), Offset(offset));
    EXPECT_EQ(end(), Offset(offset));
    EXPECT_EQ(log().published().high_watermark, offset);
    EXPECT_EQ(log().latest_leader_epoch(), LeaderEpoch::none());
    EXPECT_EQ(names(".log"), std::vector<std::string>{segment_file_name(Offset(offset), ".log")});
    ASSERT_TRUE(world->append({.values = {"after"}}));
    EXPECT_EQ(world->read_all(Offset(offset)), (std::vector<ReadRecord>{{Offset(offset), "after"}}));
    world->kill();
    ASSERT_TRUE(world->start());
    EXPECT_EQ(log().log_start_offset(), Offset(offset));
    EXPECT_EQ(world->read_all(Offset(offset)), (std::vector<ReadRecord>{{Offset(offset), "after"}}));
    world.reset();
  }
}

TEST_F(Truncation, BelowTheFirstSegmentBeginsAnewThere) {
  fill(12);
  log().publish_high_watermark(Offset(24));
  ASSERT_TRUE(log().advance_log_start_offset(Offset(13)));
  log().apply_retention(noon);  // its segments are on their way out
  ASSERT_TRUE(truncate(3));
  EXPECT_EQ(log().log_start_offset(), Offset(3));
  EXPECT_EQ(end(), Offset(3));
  EXPECT_EQ(names(".log"), std::vector<std::string>{segment_file_name(Offset(3), ".log")});
  world->kill();
  ASSERT_TRUE(world->start());
  EXPECT_EQ(end(), Offset(3));
}

// ---- producers

TEST_F(Truncation, BringsProducersBackToWhatTheyWere) {
  auto write = [&](std::int32_t sequence) {
    return world->append({.values = {"v"},
                          .producer_id = ProducerId(1),
                          .producer_epoch = ProducerEpoch(0),
                          .base_sequence = Sequence(sequence)});
  };
  for (int sequence = 0; sequence < 12; ++sequence) ASSERT_TRUE(write(sequence));
  ASSERT_TRUE(truncate(7));
  expect_as_rebuilt();
  EXPECT_FALSE(write(12)) << "what came before is not there";
  ASSERT_TRUE(write(7));
  EXPECT_EQ(end(), Offset(8));
}

TEST_F(Truncation, OpensTransactionsAgainWhoseMarkersGo) {
  auto write = [&](std::int64_t producer) {
    return world->append({.values = {"v"},
                          .producer_id = ProducerId(producer),
                          .producer_epoch = ProducerEpoch(0),
                          .base_sequence = Sequence(0),
                          .transactional = true});
  };
  ASSERT_TRUE(write(1));
  ASSERT_TRUE(write(2));
  ASSERT_TRUE(world->append(marker_batch(ProducerId(1), ProducerEpoch(0), false, 1), AppendOrigin::coordinator));
  ASSERT_TRUE(world->append(marker_batch(ProducerId(2), ProducerEpoch(0), false, 1), AppendOrigin::coordinator));
  log().publish_high_watermark(Offset(4));
  EXPECT_EQ(log().first_unstable_offset(), Offset::none());
  ASSERT_TRUE(truncate(3));
  EXPECT_EQ(log().first_unstable_offset(), Offset(1));
  EXPECT_EQ(read_committed_row(*world, Offset(0), Offset(0)), "aborted from 0 1:0-2/1");
  log().publish_high_watermark(Offset(3));
  ASSERT_TRUE(truncate(2));
  EXPECT_EQ(log().first_unstable_offset(), Offset(0));
  EXPECT_EQ(read_committed_row(*world, Offset(0), Offset(0)), "aborted from 0");
}

TEST_F(Truncation, KeepsTransactionsUnstableThatTheHighWatermarkHasNotPassedHoweverOldTheSnapshot) {
  ASSERT_TRUE(world->append({.values = {"v"},
                             .producer_id = ProducerId(1),
                             .producer_epoch = ProducerEpoch(0),
                             .base_sequence = Sequence(0),
                             .transactional = true}));
  ASSERT_TRUE(world->append(marker_batch(ProducerId(1), ProducerEpoch(0), true, 1), AppendOrigin::coordinator));
  log().publish_high_watermark(Offset(1));
  fill(12);
  flush();
  ASSERT_FALSE(names(".snapshot").empty());
  EXPECT_EQ(log().first_unstable_offset(), Offset(0));
  ASSERT_TRUE(truncate(20));
  EXPECT_EQ(log().first_unstable_offset(), Offset(0));
  log().publish_high_watermark(Offset(2));
  EXPECT_EQ(log().first_unstable_offset(), Offset::none());
}

// ---- among appends, flushes and reads

TEST_F(Truncation, IsAStepBetweenTheAppends) {
  fill(3);
  std::vector<std::string> order;
  const auto bytes = make_batch({.values = {"later"}});
  auto behind = bytes;
  log().truncate_to(Offset(2), [&](const Status& status) { order.emplace_back(status ? "cut" : "failed"); });
  log().append({behind, AppendOrigin::client, LeaderEpoch(0), noon}, [&](const AppendOutcome& outcome) {
    order.push_back("appended at " + std::to_string(outcome ? outcome->base_offset.value() : -1));
  });
  world->shard.run();
  EXPECT_EQ(order, (std::vector<std::string>{"cut", "appended at 2"}));
}

TEST_F(Truncation, RefusesAppendsWhoseRecordsGoBeforeTheyAreSynced) {
  auto config = of_small_segments();
  config.flush_messages = 1;
  start(config);
  fill(2);
  std::vector<std::string> outcomes;
  std::vector<Bytes> batches;
  for (const auto* value : {"a", "b", "c"}) batches.push_back(make_batch({.values = {value}}));
  for (auto& batch : batches) {
    log().append({batch, AppendOrigin::client, LeaderEpoch(0), noon}, [&](const AppendOutcome& outcome) {
      outcomes.push_back(outcome ? "kept" : outcome.error().kind == AppendErrorKind::closed ? "gone" : "?");
    });
  }
  EXPECT_EQ(end(), Offset(7));
  bool flushed = false;
  log().flush([&](const Status& status) { flushed = status.has_value(); });
  ASSERT_TRUE(truncate(5));
  EXPECT_TRUE(flushed);
  EXPECT_EQ(outcomes, (std::vector<std::string>{"kept", "gone", "gone"})) << "the sync under way was of the first";
}

TEST_F(Truncation, LetsReadsWaitThatComeWhileItWorks) {
  fill(12);
  flush();
  std::vector<std::string> order;
  auto read = [&](std::int64_t offset) {
    log().read({Offset(offset), Offset(1000), 1 << 20, true}, [&, offset](const ReadOutcome& outcome) {
      order.push_back(std::to_string(offset) + (!outcome                                            ? " is out of range"
                                                : outcome->records.length_bytes == 0                ? " is the end"
                                                : outcome->log_end_offset == log().log_end_offset() ? " is there"
                                                                                                    : " is stale"));
    });
  };
  bool cut = false;
  log().truncate_to(Offset(9), [&](const Status& status) {
    EXPECT_TRUE(status);
    cut = true;
  });
  while (!cut) {
    // Job by job: the pool's are jobs of the shard here.
    bool once = false;
    world->shard.post([&] {
      if (!once) read(20);
      once = true;
    });
    world->shard.run();
  }
  read(0);
  read(8);
  read(9);
  world->shard.run();
  for (const auto& line : order) EXPECT_FALSE(line.ends_with("stale")) << line;
  EXPECT_NE(std::ranges::find(order, "0 is there"), order.end());
  EXPECT_NE(std::ranges::find(order, "8 is the end"), order.end());
  EXPECT_NE(std::ranges::find(order, "9 is out of range"), order.end());
}

TEST_F(Truncation, AnswersColdReadsThatItOvertakesWithWhatIsLeft) {
  fill(12);
  flush();
  world->kill();
  ASSERT_TRUE(world->start());
  std::size_t answered = 0;
  for (std::int64_t offset : {0, 6, 7, 8, 20, 24}) {
    log().read({Offset(offset), Offset(24), 1 << 20, true}, [&](const ReadOutcome& outcome) {
      ++answered;
      if (!outcome) EXPECT_EQ(outcome.error().kind, ReadErrorKind::offset_out_of_range) << outcome.error().message;
    });
    log().find_offset(noon + 1100, [&](const TimestampOutcome& found) {
      ++answered;
      EXPECT_TRUE(found) << found.error().message;
    });
  }
  ASSERT_TRUE(truncate(6));
  EXPECT_EQ(end(), Offset(6));
  EXPECT_EQ(answered, 12U);
  EXPECT_EQ(world->find_offset(noon + 1100)->offset, Offset::none());
}

TEST_F(Truncation, OfALogThatHasStoppedIsRefused) {
  fill(3);
  log().stop();
  auto refused = truncate(2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
}

TEST_F(Truncation, ThatTheDiskRefusesTakesTheLogOffline) {
  set_log_level(LogLevel::off);
  fill(12);
  flush();
  const auto held = world->log();
  files.crash_after = 1;
  std::optional<Status> outcome;
  held->truncate_to(Offset(4), [&](Status status) { outcome = std::move(status); });
  std::optional<ReadOutcome> read;
  world->shard.run();
  held->read({Offset(0), Offset(2), 100, true}, [&](ReadOutcome got) { read = std::move(got); });
  world->shard.run();
  set_log_level(LogLevel::info);
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(*outcome);
  EXPECT_TRUE(held->is_offline());
  ASSERT_TRUE(read && !*read);
  EXPECT_EQ(read->error().kind, ReadErrorKind::storage);
}

TEST_F(Truncation, OfADamagedSegmentIsRefusedAndChangesNothing) {
  set_log_level(LogLevel::off);
  auto config = of_small_segments();
  config.index_interval_bytes = 4096;
  start(config);
  fill(3);
  flush();
  auto file = files.open(world->partition_path() + "/" + segment_file_name(Offset(0), ".log"), OpenMode::read_write);
  ASSERT_TRUE((*file)->write_at(8, Bytes{0x7f, 0xff, 0xff, 0xff}));
  auto refused = truncate(4);
  set_log_level(LogLevel::info);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::corrupt) << refused.error().message;
  EXPECT_EQ(end(), Offset(6));
  EXPECT_FALSE(log().is_offline());
}

// ---- at random, against a log built anew

class RandomLife {
 public:
  explicit RandomLife(std::uint64_t seed) : random_(seed), files_(random_), world_(config(), files_) {
    world_.options.producer_id_expiration_ms = LogConfig::unlimited;
    moves_start_ = random_.below(4) == 0;
  }

  void run() {
    ASSERT_TRUE(world_.start());
    for (int step = 0; step < 60 && !testing::Test::HasFailure(); ++step) take_step();
    check();
  }
  std::uint64_t cut_records = 0;

 private:
  LogConfig config() {
    LogConfig config;
    config.segment_bytes = static_cast<std::int32_t>(300 + random_.below(1500));
    config.index_interval_bytes = static_cast<std::int32_t>(1 + random_.below(300));
    config.segment_index_bytes = static_cast<std::int32_t>(48 + random_.below(400));
    return config;
  }
  PartitionLog& log() { return *world_.log(); }

  void take_step() {
    switch (random_.below(20)) {
      case 0:
      case 1:
      case 2:
        return truncate();
      case 3:
        return reopen();
      case 4:
        log().flush([](const Status& status) { EXPECT_TRUE(status); });
        world_.shard.run();
        return;
      case 5:
        world_.leader_epoch = world_.leader_epoch + 1;
        EXPECT_TRUE(log().start_leader_epoch(world_.leader_epoch));
        return append(0);
      case 6:
        high_watermark_ = std::max(
            high_watermark_,
            static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(log().log_end_offset().value()) + 1)));
        return log().publish_high_watermark(Offset(high_watermark_));
      case 7:
        if (moves_start_) (void)log().advance_log_start_offset(Offset(high_watermark_ / 2));
        return;
      default:
        return append(static_cast<std::int64_t>(random_.below(5)));
    }
  }

  const ProducerEntry* known(std::int64_t id) {
    entries_ = log().producers();
    const auto at = std::ranges::find(entries_, ProducerId(id), &ProducerEntry::id);
    return at == entries_.end() ? nullptr : &*at;
  }

  // Producers 1 and 2 are idempotent, 3 and 4 transactional, 0 is none.
  void append(std::int64_t id) {
    BatchSpec spec;
    for (auto count = 1 + random_.below(3); count > 0; --count)
      spec.values.emplace_back(random_.below(60), static_cast<char>('a' + random_.below(26)));
    spec.timestamp = noon + static_cast<std::int64_t>(random_.below(100'000));
    if (id == 0) {
      ASSERT_TRUE(world_.append(spec));
      return;
    }
    const auto* entry = known(id);
    const bool open = entry != nullptr && entry->transaction_first_offset;
    if (id >= 3 && entry != nullptr && random_.below(open ? 3 : 8) == 0) {
      ASSERT_TRUE(world_.append(marker_batch(ProducerId(id), entry->epoch, random_.below(2) == 0, 1),
                                AppendOrigin::coordinator));
      return;
    }
    spec.producer_id = ProducerId(id);
    spec.producer_epoch = entry == nullptr ? ProducerEpoch(0) : entry->epoch;
    spec.base_sequence = entry == nullptr ? Sequence(0) : entry->last_sequence() + 1;
    spec.transactional = id >= 3;
    const auto appended = world_.append(spec);
    ASSERT_TRUE(appended) << appended.error().message;
  }

  void truncate() {
    const auto end = log().log_end_offset().value();
    auto target = static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(end) + 2));
    if (random_.below(2) == 0) target = std::max<std::int64_t>(0, end - static_cast<std::int64_t>(random_.below(8)));
    const bool fully = random_.below(12) == 0;
    if (fully) target = static_cast<std::int64_t>(random_.below(40));
    bool cut = false;
    auto done = [&](const Status& status) { cut = status.has_value(); };
    fully ? log().truncate_fully_and_start_at(Offset(target), done) : log().truncate_to(Offset(target), done);
    world_.shard.run();
    ASSERT_TRUE(cut);
    const auto new_end = log().log_end_offset().value();
    if (!fully) ASSERT_LE(new_end, std::min(target, end));
    if (!fully && target < end) ASSERT_GE(new_end, target - 2) << "a batch has three records at most";
    cut_records += static_cast<std::uint64_t>(std::max<std::int64_t>(0, end - new_end));
    high_watermark_ = log().published().high_watermark;
    check();
  }

  void reopen() {
    const auto before = answers_of(world_);
    if (random_.below(2) == 0) {
      ASSERT_TRUE(world_.stop());
    } else {
      ASSERT_TRUE(world_.manager->write_checkpoints());
      world_.kill();
    }
    ASSERT_TRUE(world_.start());
    ASSERT_TRUE(world_.manager->unusable().empty()) << world_.manager->unusable().front().second;
    ASSERT_EQ(answers_of(world_), before) << "what a truncation left is what a start finds";
  }

  void check() {
    if (testing::Test::HasFailure()) return;
    ASSERT_EQ(answers_of(world_), answers_of_rebuilt(world_, files_));
  }

  SeededRandom random_;
  CrashFileSystem files_;
  LogWorld world_;
  bool moves_start_ = false;
  std::int64_t high_watermark_ = 0;
  std::vector<ProducerEntry> entries_;
};

struct TruncationsAtRandom : testing::Test {
  void SetUp() override { set_log_level(LogLevel::off); }
  void TearDown() override { set_log_level(LogLevel::info); }
};

TEST_F(TruncationsAtRandom, LeaveALogAsOneThatIsBuiltAnewFromItsRecords) {
  std::uint64_t first = 1;
  std::uint64_t last = 150;
  if (const char* only = std::getenv("MILLRACE_SEED"); only != nullptr) first = last = std::strtoull(only, nullptr, 10);
  std::uint64_t cut = 0;
  for (auto seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("MILLRACE_SEED=" + std::to_string(seed));
    RandomLife life(seed);
    life.run();
    if (HasFailure()) FAIL() << "with seed " << seed;
    cut += life.cut_records;
  }
  if (first != last) EXPECT_GT(cut, 5000U);
}

// ---- crashes

struct CrashCase {
  const char* name;
  std::int64_t target;
  bool fully = false;
  std::int64_t log_start = 0;
  bool compacted = false;
};

void PrintTo(const CrashCase& crash_case, std::ostream* out) { *out << crash_case.name; }

struct TruncationsThatCrash : testing::TestWithParam<CrashCase> {
  void SetUp() override { set_log_level(LogLevel::off); }
  void TearDown() override { set_log_level(LogLevel::info); }
};

std::vector<std::string> values_of(LogWorld& world) {
  std::vector<std::string> values;
  const auto start = world.log()->log_start_offset();
  for (const auto& record : world.read_all(start))
    values.push_back(std::to_string(record.offset.value()) + ":" + record.value);
  return values;
}

bool is_prefix(const std::vector<std::string>& values, const std::vector<std::string>& of) {
  return values.size() <= of.size() && std::equal(values.begin(), values.end(), of.begin());
}

TEST_P(TruncationsThatCrash, LeaveAPrefixAtEveryFileOperation) {
  const auto& param = GetParam();
  bool finished = false;
  int lives = 0;
  for (std::uint64_t change = 0; !finished; ++change) {
    ASSERT_LT(change, 400U);
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
      SCOPED_TRACE(std::string(param.name) + " change " + std::to_string(change) + " seed " + std::to_string(seed));
      ++lives;
      SeededRandom random(change * 1000 + seed);
      CrashFileSystem files(random);
      LogConfig config;
      config.segment_bytes = 400;
      config.segment_index_bytes = 1200;
      config.index_interval_bytes = 100;
      config.compacted = param.compacted;
      config.deleted_by_age_or_size = !param.compacted;
      LogWorld world(config, files);
      world.options.producer_id_expiration_ms = LogConfig::unlimited;
      ASSERT_TRUE(world.start());
      auto write = [&](int number) {
        BatchSpec spec{.values = {"v" + std::to_string(number), "w"}, .timestamp = noon + number};
        if (number % 3 != 0) {
          spec.producer_id = ProducerId(number % 3);
          spec.producer_epoch = ProducerEpoch(0);
          spec.base_sequence = Sequence(number / 3 * 2);
          spec.transactional = number % 3 == 1;
        }
        ASSERT_TRUE(world.append(spec));
      };
      for (int number = 0; number < 15; ++number) {
        if (number == 6 || number == 11) {
          world.leader_epoch = world.leader_epoch + 1;
          ASSERT_TRUE(world.log()->start_leader_epoch(world.leader_epoch));
        }
        write(number);
        if (number == 13) {
          world.log()->flush([](const Status& status) { ASSERT_TRUE(status); });
          world.shard.run();
        }
      }
      const auto flushed = world.log()->recovery_point();
      world.log()->publish_high_watermark(Offset(14));
      if (param.log_start > 0) ASSERT_TRUE(world.log()->advance_log_start_offset(Offset(param.log_start)));
      ASSERT_TRUE(world.manager->write_checkpoints());
      const auto before = values_of(world);
      const auto end_before = world.log()->log_end_offset();

      files.crash_after = change;
      bool answered = false;
      auto done = [&](const Status& status) { answered = status.has_value(); };
      auto log = world.log();
      param.fully ? log->truncate_fully_and_start_at(Offset(param.target), done)
                  : log->truncate_to(Offset(param.target), done);
      world.shard.run();
      std::vector<std::string> after;
      if (answered) {
        // What comes next is not synced; nothing of what was cut may come in its place.
        files.crash_after.reset();
        after = values_of(world);
        world.leader_epoch = world.leader_epoch + 1;
        ASSERT_TRUE(log->start_leader_epoch(world.leader_epoch));
        for (int number = 0; number < 6; ++number) {
          ASSERT_TRUE(world.append({.values = {"new" + std::to_string(number)}, .timestamp = noon + 500}));
          if (number == 2 && seed % 2 == 0) {
            log->flush([](const Status& status) { ASSERT_TRUE(status); });
            world.shard.run();
          }
        }
        if (seed % 3 == 0) ASSERT_TRUE(world.manager->write_checkpoints());
      }
      const auto appended = answered ? values_of(world) : std::vector<std::string>();
      if (answered && seed == 12) finished = true;
      files.crash();
      log.reset();
      world.kill();
      files.restart();
      ASSERT_TRUE(world.start());
      ASSERT_TRUE(world.manager->unusable().empty()) << world.manager->unusable().front().second;
      const auto found = values_of(world);
      const auto end = world.log()->log_end_offset();
      if (answered) {
        EXPECT_TRUE(is_prefix(after, found)) << "what the truncation left is there";
        EXPECT_TRUE(is_prefix(found, appended)) << testing::PrintToString(found);
        if (seed % 2 == 0) EXPECT_GE(found.size(), after.size() + 3) << "what was synced since";
        if (param.fully) EXPECT_EQ(world.log()->log_start_offset(), Offset(param.target));
      } else {
        EXPECT_TRUE(is_prefix(found, before)) << testing::PrintToString(found);
        EXPECT_LE(end, std::max(end_before, Offset(param.target)));
        if (!param.fully) EXPECT_GE(end, std::min(flushed, Offset(param.target - 1)));
      }
      ASSERT_EQ(answers_of(world), answers_of_rebuilt(world, files));
      ASSERT_TRUE(world.append({.values = {"and on"}}));
    }
  }
  EXPECT_GT(lives, 60);
}

INSTANTIATE_TEST_SUITE_P(Cases, TruncationsThatCrash,
                         testing::Values(CrashCase{"active_segment", 27}, CrashCase{"active_segment_to_a_batch", 28},
                                         CrashCase{"earlier_segment", 9}, CrashCase{"segments_start", 8},
                                         CrashCase{"everything", 0}, CrashCase{"below_the_log_start", 3, false, 6},
                                         CrashCase{"fully_behind", 50, true}, CrashCase{"fully_inside", 9, true},
                                         CrashCase{"fully_at_the_start", 0, true},
                                         CrashCase{"compacted", 9, false, 0, true},
                                         CrashCase{"compacted_fully", 50, true, 0, true}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace millrace::log::test
