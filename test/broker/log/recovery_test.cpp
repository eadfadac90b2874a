// What a log has after every kind of stop: clean, killed, with a torn, zeroed or flipped tail, with files that are
// gone.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "broker/log/checkpoint_file.h"
#include "broker/log/clean_shutdown_file.h"
#include "broker/log/loaded_log.h"
#include "broker/log/meta_properties.h"
#include "broker/log/time_index.h"
#include "test/broker/log/log_world.h"

namespace millrace::log::test {
namespace {

constexpr TimestampMs noon{1'700'000'000'000};

struct Recovery : testing::Test {
  void start(const LogConfig& config = {}) {
    world = std::make_unique<LogWorld>(config);
    ASSERT_TRUE(world->start());
  }
  void SetUp() override { start(); }
  void append(const std::string& value, std::int64_t later_ms = 0) {
    ASSERT_TRUE(world->append({.values = {value}, .timestamp = noon + later_ms}));
  }
  AppendOutcome produce(std::int32_t sequence, std::int64_t id = 1) {
    return world->append({.values = {std::to_string(sequence)},
                          .producer_id = ProducerId(id),
                          .producer_epoch = ProducerEpoch(0),
                          .base_sequence = Sequence(sequence)});
  }
  void flush() {
    bool flushed = false;
    world->log()->flush([&](const Status& status) { flushed = status.has_value(); });
    world->shard.run();
    ASSERT_TRUE(flushed);
  }
  [[nodiscard]] std::string segment(std::int64_t base, const std::string& suffix = ".log") const {
    auto digits = std::to_string(base);
    return world->partition_path() + "/" + std::string(20 - digits.size(), '0') + digits + suffix;
  }
  // The log's bytes replaced behind a dead broker's back, then a start.
  void restart_with(BytesView bytes, std::int64_t base = 0) {
    world->kill();
    write_file(segment(base), bytes);
    ASSERT_TRUE(world->start());
  }
  std::vector<std::string> values() {
    std::vector<std::string> found;
    std::int64_t expected = world->log()->log_start_offset().value();
    for (const auto& record : world->read_all(world->log()->log_start_offset())) {
      EXPECT_EQ(record.offset, Offset(expected++)) << "offsets without a gap";
      found.push_back(record.value);
    }
    return found;
  }

  std::unique_ptr<LogWorld> world;
};

using Values = std::vector<std::string>;

TEST_F(Recovery, FindsEverythingAfterACleanStopWithoutScanning) {
  for (int number = 0; number < 5; ++number) append(std::to_string(number), number);
  world->log()->publish_high_watermark(Offset(4));
  ASSERT_TRUE(world->stop());
  EXPECT_EQ(**read_clean_shutdown(posix_file_system(), world->data_path()), BrokerEpoch(42));
  EXPECT_EQ(file_bytes(segment(0, ".timeindex")).size(), TimeIndex::entry_bytes) << "trimmed";
  ASSERT_TRUE(world->start());
  EXPECT_TRUE(world->manager->had_clean_shutdown());
  EXPECT_FALSE(*posix_file_system().exists(world->data_path() + "/.kafka_cleanshutdown")) << "not clean from now on";
  const auto& report = world->log()->recovery();
  EXPECT_TRUE(report.clean);
  EXPECT_EQ(report.segments_scanned, 0U);
  EXPECT_EQ(world->log()->recovery_point(), Offset(5));
  EXPECT_EQ(world->log()->checkpointed_high_watermark(), Offset(4));
  EXPECT_EQ(world->log()->topic_id(), world->topic_id);
  EXPECT_EQ(world->log()->latest_leader_epoch(), LeaderEpoch(0));
  append("5");
  EXPECT_EQ(values(), (Values{"0", "1", "2", "3", "4", "5"}));
}

TEST_F(Recovery, FindsEverythingAfterAKill) {
  for (int number = 0; number < 5; ++number) append(std::to_string(number), number);
  world->kill();
  ASSERT_TRUE(world->start());
  EXPECT_FALSE(world->manager->had_clean_shutdown());
  const auto& report = world->log()->recovery();
  EXPECT_FALSE(report.clean);
  EXPECT_EQ(report.segments_scanned, 1U);
  EXPECT_EQ(report.truncated_bytes, 0U);
  EXPECT_EQ(values(), (Values{"0", "1", "2", "3", "4"}));
  EXPECT_EQ(world->find_offset(noon + 3)->offset, Offset(3)) << "the time index was built anew";
}

TEST_F(Recovery, CutsATornTailAtEveryByteOfTheLastTwoBatches) {
  append("first");
  append("second");
  const auto kept = world->log()->size_bytes();
  append("third");
  const auto kept_too = world->log()->size_bytes();
  append("fourth");
  world->shard.run();
  const auto whole = file_bytes(segment(0));
  for (auto size = kept; size <= whole.size(); ++size) {
    SCOPED_TRACE(size);
    restart_with(BytesView(whole).first(size));
    Values expected{"first", "second"};
    if (size >= kept_too) expected.emplace_back("third");
    if (size == whole.size()) expected.emplace_back("fourth");
    ASSERT_EQ(values(), expected);
    const auto& report = world->log()->recovery();
    auto left = size == whole.size() ? whole.size() : size >= kept_too ? kept_too : kept;
    ASSERT_EQ(report.truncated_bytes, size - left);
    ASSERT_EQ(report.truncated_at, size == left ? Offset::none() : Offset(static_cast<std::int64_t>(expected.size())));
    ASSERT_EQ(file_bytes(segment(0)).size(), left);
    append("next");
    expected.emplace_back("next");
    ASSERT_EQ(values(), expected);
  }
}

TEST_F(Recovery, CutsATailThatIsZerosFromAnyByteOn) {
  append("first");
  const auto kept = world->log()->size_bytes();
  append("second is longer, so that zeros make no whole batch of it");
  world->shard.run();
  const auto whole = file_bytes(segment(0));
  for (std::size_t extra : {0, 1, 4096}) {
    for (auto size = kept; size + 1 < whole.size(); ++size) {  // the last byte is a zero anyway
      SCOPED_TRACE(size);
      auto torn = whole;
      std::fill(torn.begin() + static_cast<std::ptrdiff_t>(size), torn.end(), 0);
      torn.resize(torn.size() + extra);
      restart_with(torn);
      ASSERT_TRUE(world->manager->unusable().empty()) << world->manager->unusable().front().second;
      ASSERT_EQ(values(), Values{"first"});
      ASSERT_EQ(file_bytes(segment(0)).size(), kept);
    }
  }
}

TEST_F(Recovery, CutsAtTheFirstBatchOfWhichAnyByteIsAnother) {
  append("first");
  const auto kept = world->log()->size_bytes();
  append("second");
  const auto end_of_second = world->log()->size_bytes();
  append("third");
  world->shard.run();
  const auto whole = file_bytes(segment(0));
  for (auto at = kept + 8; at < end_of_second; ++at) {  // no checksum covers the base offset …
    if (at - kept >= 12 && at - kept < 16) continue;    // … and the leader epoch
    for (std::uint8_t flip : {0x01, 0x02, 0x03, 0x80}) {
      SCOPED_TRACE(std::to_string(at - kept) + " ^ " + std::to_string(flip));
      auto bad = whole;
      bad[at] ^= flip;
      restart_with(bad);
      ASSERT_TRUE(world->manager->unusable().empty()) << world->manager->unusable().front().second;
      ASSERT_EQ(values(), Values{"first"});
      ASSERT_FALSE(world->log()->recovery().reason.empty());
    }
  }
}

TEST_F(Recovery, KeepsMessagesOfTheOldFormatWhoseChecksumIsRight) {
  append("first");
  world->shard.run();
  auto bytes = file_bytes(segment(0));
  // Offset 1, magic 1: crc, magic, attributes, timestamp, no key, no value.
  Bytes old(12 + 4 + 1 + 1 + 8 + 4 + 4);
  store_big_endian(old.data(), std::int64_t{1});
  store_big_endian(old.data() + 8, static_cast<std::int32_t>(old.size() - 12));
  store_big_endian(old.data() + 12, std::uint32_t{0xcc2f79d9});
  old[16] = 1;
  std::fill(old.end() - 8, old.end(), 0xff);
  auto with_old = joined({bytes, old});
  world->kill();
  write_file(segment(0), with_old);
  ASSERT_TRUE(world->start());
  EXPECT_TRUE(world->manager->unusable().empty());
  EXPECT_EQ(world->log()->log_end_offset(), Offset(2));
  EXPECT_EQ(file_bytes(segment(0)), with_old);
  ++with_old.back();
  world->kill();
  write_file(segment(0), with_old);
  ASSERT_TRUE(world->start());
  EXPECT_TRUE(world->manager->unusable().empty()) << "no message of any format: a torn write";
  EXPECT_EQ(values(), Values{"first"});
}

TEST_F(Recovery, CutsNothingBelowTheRecoveryPoint) {
  append("first");
  append("second");
  flush();
  ASSERT_TRUE(world->manager->write_checkpoints());
  append("third");
  world->shard.run();
  const auto whole = file_bytes(segment(0));
  auto bad = whole;
  bad[whole.size() - 1] ^= 1;
  restart_with(bad);
  EXPECT_EQ(values(), (Values{"first", "second"})) << "above it";
  EXPECT_EQ(world->log()->recovery_point(), Offset(2));
  bad[100] ^= 1;
  restart_with(bad);
  ASSERT_EQ(world->manager->unusable().size(), 1U);
  EXPECT_NE(world->manager->unusable().front().second.find("synced"), std::string::npos)
      << world->manager->unusable().front().second;
  EXPECT_EQ(file_bytes(segment(0)), bad);
  EXPECT_EQ(world->manager->find({"events", PartitionIndex(0)}), nullptr);
  ASSERT_TRUE(world->manager->write_checkpoints());
  restart_with(whole);
  EXPECT_EQ(values(), (Values{"first", "second", "third"})) << "and nothing is forgotten of it meanwhile";
  EXPECT_EQ(world->log()->recovery_point(), Offset(2));
}

LogConfig small_segments() {
  LogConfig config;
  config.segment_bytes = 400;
  config.index_interval_bytes = 1;
  return config;
}

struct SegmentedRecovery : Recovery {
  static constexpr int count = 20;

  void SetUp() override {
    start(small_segments());
    for (int number = 0; number < count; ++number) append(std::to_string(number), number);
    world->shard.run();
    for (const auto& name : names_in(world->partition_path())) {
      if (name.ends_with(".log")) bases.push_back(std::stoll(name.substr(0, 20)));
    }
    ASSERT_GE(bases.size(), 3U);
  }
  Values all() {
    Values expected;
    for (int number = 0; number < count; ++number) expected.push_back(std::to_string(number));
    return expected;
  }
  Values below(std::int64_t end) {
    auto expected = all();
    expected.resize(static_cast<std::size_t>(end));
    return expected;
  }

  std::vector<std::int64_t> bases;
};

TEST_F(SegmentedRecovery, ScansFromTheSegmentOfTheRecoveryPointOn) {
  ASSERT_TRUE(world->manager->write_checkpoints());
  world->kill();
  ASSERT_TRUE(world->start());
  EXPECT_EQ(world->log()->recovery_point(), Offset(bases.back())) << "every roll syncs";
  EXPECT_EQ(world->log()->recovery().segments_scanned, 1U);
  EXPECT_EQ(values(), all());
}

TEST_F(SegmentedRecovery, BuildsIndexesThatAreGoneOrWrong) {
  ASSERT_TRUE(world->stop());
  const auto offsets = file_bytes(segment(bases[1], ".index"));
  const auto times = file_bytes(segment(bases[1], ".timeindex"));
  ASSERT_FALSE(offsets.empty());
  for (const std::string suffix : {".index", ".timeindex"}) {
    for (int damage = 0; damage < 3; ++damage) {
      SCOPED_TRACE(suffix + " " + std::to_string(damage));
      const auto path = segment(bases[1], suffix);
      auto bytes = file_bytes(path);
      if (damage == 0) ASSERT_TRUE(posix_file_system().remove(path));
      if (damage == 1) bytes.push_back(1);
      if (damage == 2) std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size()) / 2, bytes.end(), 0);
      if (damage != 0) write_file(path, bytes);
      ASSERT_TRUE(world->start());
      EXPECT_EQ(world->log()->recovery().segments_scanned, 1U);
      EXPECT_EQ(file_bytes(segment(bases[1], ".index")), offsets);
      EXPECT_EQ(file_bytes(segment(bases[1], ".timeindex")), times);
      EXPECT_EQ(values(), all());
      for (int time = 0; time < count; ++time) EXPECT_EQ(world->find_offset(noon + time)->offset, Offset(time));
      ASSERT_TRUE(world->stop());
    }
  }
}

TEST_F(SegmentedRecovery, DropsTheSegmentsBehindOneThatIsCut) {
  world->kill();
  auto bytes = file_bytes(segment(bases[1]));
  bytes.back() ^= 1;
  write_file(segment(bases[1]), bytes);
  auto recovery_points =
      read_offset_checkpoint(posix_file_system(), world->data_path() + "/recovery-point-offset-checkpoint");
  ASSERT_TRUE(recovery_points && recovery_points->empty());
  ASSERT_TRUE(world->start());
  EXPECT_EQ(values(), below(bases[2] - 1));
  for (std::size_t number = 2; number < bases.size(); ++number) {
    for (const std::string suffix : {".log", ".index", ".timeindex", ".snapshot"})
      EXPECT_FALSE(*posix_file_system().exists(segment(bases[number], suffix))) << bases[number] << suffix;
  }
  append("next");
  EXPECT_EQ(world->log()->log_end_offset(), Offset(bases[2]));
}

TEST_F(SegmentedRecovery, DropsTheSegmentsBehindOneThatLostItsLastBatches) {
  // The system wrote the later segment's pages first: whole batches are missing at the end of the earlier one.
  world->kill();
  const auto bytes = file_bytes(segment(bases[1]));
  protocol::BatchReader batches(bytes);
  ASSERT_TRUE(*batches.next());
  write_file(segment(bases[1]), BytesView(bytes).first(batches.next_position()));
  ASSERT_TRUE(world->start());
  EXPECT_EQ(values(), below(bases[1] + 1)) << "a log ends where its first record is missing";
}

TEST_F(SegmentedRecovery, CutsWhatAFailedAppendLeftBehindASealedSegmentAndNothingElse) {
  ASSERT_TRUE(world->stop());
  ASSERT_TRUE(posix_file_system().remove(segment(bases[1], ".index")));
  auto bytes = file_bytes(segment(bases[1]));
  const auto good = bytes;
  bytes.insert(bytes.end(), 40, 0x11);
  write_file(segment(bases[1]), bytes);
  ASSERT_TRUE(world->start());
  ASSERT_TRUE(world->manager->unusable().empty());
  EXPECT_EQ(values(), all());
  EXPECT_EQ(file_bytes(segment(bases[1])), good);
}

TEST_F(SegmentedRecovery, RemovesAnEmptySegmentThatBeginsWithinTheOneBeforeIt) {
  world->kill();
  write_file(segment(bases.back() + 1), {});
  ASSERT_TRUE(world->start());
  EXPECT_EQ(values(), all());
  EXPECT_FALSE(*posix_file_system().exists(segment(bases.back() + 1)));
}

TEST_F(SegmentedRecovery, SurvivesDamageThatOnlyShowsWithTheIndexesOfACleanStop) {
  ASSERT_TRUE(world->stop());
  ASSERT_TRUE(posix_file_system().remove(segment(bases[0], ".index")));
  ASSERT_TRUE(posix_file_system().remove(world->data_path() + "/recovery-point-offset-checkpoint"));
  auto bytes = file_bytes(segment(bases[0]));
  bytes.back() ^= 1;
  write_file(segment(bases[0]), bytes);
  ASSERT_TRUE(world->start());
  ASSERT_TRUE(world->manager->unusable().empty());
  EXPECT_EQ(values(), below(bases[1] - 1));
}

TEST_F(SegmentedRecovery, ChecksALastSegmentThatDoesNotEndWithAWholeBatchAfterACleanStop) {
  ASSERT_TRUE(world->stop());
  auto bytes = file_bytes(segment(bases.back()));
  bytes.resize(bytes.size() + 100);
  write_file(segment(bases.back()), bytes);
  ASSERT_TRUE(world->start());
  EXPECT_EQ(world->log()->recovery().truncated_bytes, 100U);
  EXPECT_EQ(values(), all());
}

TEST_F(SegmentedRecovery, RemovesWhatInterruptedWorkHasLeft) {
  ASSERT_TRUE(world->stop());
  for (const std::string& name :
       {segment(bases[1] - 1, ".index"), segment(0, ".log.deleted"), segment(0, ".log.cleaned"),
        world->partition_path() + "/leader-epoch-checkpoint.tmp", segment(bases[1] + 1, ".snapshot")}) {
    write_file(name, as_bytes("rest"));
  }
  ASSERT_TRUE(world->start());
  EXPECT_EQ(values(), all());
  for (const auto& name : names_in(world->partition_path())) {
    EXPECT_FALSE(name.ends_with(".deleted") || name.ends_with(".cleaned") || name.ends_with(".tmp")) << name;
  }
  EXPECT_FALSE(*posix_file_system().exists(segment(bases[1] - 1, ".index")));
  EXPECT_FALSE(*posix_file_system().exists(segment(bases[1] + 1, ".snapshot"))) << "of no segment";
}

TEST_F(SegmentedRecovery, CompletesASwapThatWasInterrupted) {
  ASSERT_TRUE(world->stop());
  auto merged = joined({file_bytes(segment(bases[0])), file_bytes(segment(bases[1]))});
  write_file(segment(0, ".log.swap"), merged);
  ASSERT_TRUE(world->start());
  EXPECT_EQ(values(), all());
  EXPECT_EQ(file_bytes(segment(0)), merged);
  EXPECT_FALSE(*posix_file_system().exists(segment(bases[1])));
}

TEST_F(SegmentedRecovery, StartsWhereEverythingBelowWasDeleted) {
  world->log()->publish_high_watermark(world->log()->log_end_offset());
  ASSERT_TRUE(world->log()->advance_log_start_offset(Offset(bases[1] + 1)));
  ASSERT_TRUE(world->manager->write_checkpoints());
  world->kill();
  ASSERT_TRUE(world->start());
  EXPECT_EQ(world->log()->log_start_offset(), Offset(bases[1] + 1));
  EXPECT_EQ(values().front(), std::to_string(bases[1] + 1));
  world->kill();
  for (auto base : bases) ASSERT_TRUE(posix_file_system().remove(segment(base)));
  ASSERT_TRUE(world->start());
  EXPECT_EQ(world->log()->log_start_offset(), Offset(bases[1] + 1));
  EXPECT_EQ(world->log()->log_end_offset(), Offset(bases[1] + 1)) << "offsets are never given twice";
}

// ---- leader epochs

struct EpochRecovery : Recovery {
  [[nodiscard]] std::string path() const { return world->partition_path() + "/leader-epoch-checkpoint"; }
  void SetUp() override {
    start();
    for (std::int32_t epoch : {0, 0, 3, 3, 7}) {
      world->leader_epoch = LeaderEpoch(epoch);
      append("epoch " + std::to_string(epoch));
    }
    world->shard.run();
  }
  std::vector<EpochStart> on_disk() { return *read_epoch_checkpoint(posix_file_system(), path()); }
  const std::vector<EpochStart> all{
      {LeaderEpoch(0), Offset(0)}, {LeaderEpoch(3), Offset(2)}, {LeaderEpoch(7), Offset(4)}};
};

TEST_F(EpochRecovery, LearnsTheEpochsThatTheFileDoesNotHave) {
  EXPECT_EQ(on_disk(), all);
  for (bool clean : {false, true}) {
    for (int damage = 0; damage < 3; ++damage) {
      if (clean && damage == 1) continue;  // a clean stop writes it whole
      SCOPED_TRACE(damage);
      if (clean) {
        ASSERT_TRUE(world->stop());
      } else {
        world->kill();
      }
      if (damage == 0) ASSERT_TRUE(posix_file_system().remove(path()));
      if (damage == 1) ASSERT_TRUE(write_epoch_checkpoint(posix_file_system(), path(), {all[0]}));
      if (damage == 2) write_file(path(), as_bytes("0\nthree\n"));
      ASSERT_TRUE(world->start());
      EXPECT_EQ(world->log()->end_offset_for_epoch(LeaderEpoch(3)), (EpochEndOffset{LeaderEpoch(3), Offset(4)}));
      EXPECT_EQ(world->log()->latest_leader_epoch(), LeaderEpoch(7));
      EXPECT_EQ(on_disk(), all) << "and it is written";
    }
  }
}

TEST_F(EpochRecovery, ForgetsEpochsBehindATailThatWasCut) {
  auto bytes = file_bytes(segment(0));
  bytes.pop_back();
  restart_with(bytes);
  EXPECT_EQ(world->log()->latest_leader_epoch(), LeaderEpoch(3));
  EXPECT_EQ(on_disk(), (std::vector<EpochStart>{all[0], all[1]}));
}

// ---- producers

TEST_F(Recovery, KnowsARetryOfWhatWasWrittenBeforeAKill) {
  for (int sequence = 0; sequence < 7; ++sequence) ASSERT_TRUE(produce(sequence));
  world->kill();
  ASSERT_TRUE(world->start());
  for (int sequence = 2; sequence < 7; ++sequence) {
    auto again = produce(sequence);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_TRUE(again->duplicate);
    EXPECT_EQ(again->base_offset, Offset(sequence));
  }
  EXPECT_EQ(produce(8).error().kind, AppendErrorKind::out_of_order_sequence);
  auto next = produce(7);
  ASSERT_TRUE(next);
  EXPECT_FALSE(next->duplicate);
}

TEST_F(Recovery, KnowsARetryAcrossSegmentsSnapshotsAndStops) {
  start(small_segments());
  int sequence = 0;
  for (int round = 0; round < 6; ++round) {
    for (int number = 0; number < 5; ++number) ASSERT_TRUE(produce(sequence++));
    ASSERT_TRUE(produce(round, 2));
    if (round % 2 == 0) {
      world->kill();
    } else {
      ASSERT_TRUE(world->stop());
    }
    if (round == 3) {  // all snapshots are gone: everything is read from the log
      for (const auto& name : names_in(world->partition_path())) {
        if (name.ends_with(".snapshot")) ASSERT_TRUE(posix_file_system().remove(world->partition_path() + "/" + name));
      }
    }
    if (round == 4) {  // the newest is damaged: an older one and the log do
      auto names = names_in(world->partition_path());
      auto newest =
          std::ranges::find_if(names.rbegin(), names.rend(), [](auto& name) { return name.ends_with(".snapshot"); });
      ASSERT_NE(newest, names.rend());
      auto bytes = file_bytes(world->partition_path() + "/" + *newest);
      bytes.back() ^= 1;
      write_file(world->partition_path() + "/" + *newest, bytes);
    }
    ASSERT_TRUE(world->start());
    auto again = produce(sequence - 1);
    ASSERT_TRUE(again) << again.error().message << " in round " << round;
    EXPECT_TRUE(again->duplicate);
    EXPECT_TRUE(produce(round, 2)->duplicate);
    EXPECT_EQ(produce(sequence + 1).error().kind, AppendErrorKind::out_of_order_sequence);
  }
}

TEST_F(Recovery, TakesAProducersBatchThatWasCutOffAgain) {
  ASSERT_TRUE(produce(0));
  ASSERT_TRUE(produce(1));
  world->shard.run();
  auto bytes = file_bytes(segment(0));
  bytes.pop_back();
  restart_with(bytes);
  auto again = produce(1);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->duplicate);
  EXPECT_EQ(again->base_offset, Offset(1));
}

TEST_F(Recovery, KeepsATransactionOpen) {
  append("plain");
  auto transactional = [&](std::int32_t sequence) {
    return world->append({.values = {"t"},
                          .producer_id = ProducerId(1),
                          .producer_epoch = ProducerEpoch(0),
                          .base_sequence = Sequence(sequence),
                          .transactional = true});
  };
  ASSERT_TRUE(transactional(0));
  for (bool clean : {false, true}) {
    if (clean) {
      ASSERT_TRUE(world->stop());
    } else {
      world->kill();
    }
    ASSERT_TRUE(world->start());
    EXPECT_EQ(world->log()->first_unstable_offset(), Offset(1));
  }
  ASSERT_TRUE(world->append(marker_batch(ProducerId(1), ProducerEpoch(0), true, 4), AppendOrigin::coordinator));
  world->kill();
  ASSERT_TRUE(world->start());
  world->log()->publish_high_watermark(world->log()->log_end_offset());
  EXPECT_EQ(world->log()->first_unstable_offset(), Offset::none());
  EXPECT_EQ(
      world->append(marker_batch(ProducerId(1), ProducerEpoch(0), true, 3), AppendOrigin::coordinator).error().kind,
      AppendErrorKind::coordinator_fenced);
}

// ---- directories that Kafka wrote

struct KafkaDirectories : testing::Test {
  void take(const std::string& name) {
    const auto golden = std::string(MILLRACE_SOURCE_DIR) + "/test/broker/log/golden/" + name;
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
