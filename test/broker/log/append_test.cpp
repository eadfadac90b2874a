// What a log takes from clients, coordinators and leaders, what it refuses, and what a failing disk leaves.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "test/broker/log/log_world.h"

namespace millrace::log::test {
namespace {

constexpr TimestampMs noon{1'700'000'000'000};  // the clock of a ManualShard

std::optional<AppendErrorKind> refusal_of(const AppendOutcome& outcome) {
  return outcome ? std::nullopt : std::optional(outcome.error().kind);
}

struct Appends : testing::Test {
  void start(const LogConfig& config = {}) {
    world = std::make_unique<LogWorld>(config, files);
    ASSERT_TRUE(world->start());
    world->log();
  }
  void SetUp() override { start(); }
  // The refusal of `batch`, which must leave no trace.
  std::optional<AppendErrorKind> refusal(Bytes batch, AppendOrigin origin = AppendOrigin::client) {
    const auto end = world->log()->log_end_offset();
    const auto size = world->log()->size_bytes();
    auto outcome = world->append(std::move(batch), origin);
    if (!outcome) {
      EXPECT_EQ(world->log()->log_end_offset(), end);
      EXPECT_EQ(world->log()->size_bytes(), size);
      EXPECT_FALSE(outcome.error().message.empty());
    }
    return refusal_of(outcome);
  }

  FaultFileSystem files;
  std::unique_ptr<LogWorld> world;
};

TEST_F(Appends, GetConsecutiveOffsets) {
  std::int64_t next = 0;
  for (std::int64_t count : {2, 1, 5}) {
    auto outcome = world->append({.values = std::vector<std::string>(static_cast<std::size_t>(count), "value")});
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_EQ(outcome->base_offset, Offset(next));
    EXPECT_EQ(outcome->last_offset, Offset(next + count - 1));
    EXPECT_FALSE(outcome->duplicate);
    next += count;
    EXPECT_EQ(world->log()->log_end_offset(), Offset(next));
    EXPECT_EQ(world->log()->published().log_end_offset, next);
  }
  EXPECT_EQ(world->read_all().size(), 8U);
  EXPECT_EQ(world->log()->published().size_bytes,
            file_bytes(world->partition_path() + "/00000000000000000000.log").size());
}

TEST_F(Appends, WriteBaseOffsetAndLeaderEpochIntoTheBatchThatCameAndNothingElse) {
  ASSERT_TRUE(world->append({.values = {"a", "b", "c"}}));
  world->leader_epoch = LeaderEpoch(5);
  const auto sent = make_batch({.values = {"d", "e"}});
  auto batch = sent;
  ASSERT_TRUE(world->append_in_place(batch));
  auto header = protocol::parse_batch(batch)->header;
  EXPECT_EQ(header.base_offset, Offset(3));
  EXPECT_EQ(header.partition_leader_epoch, LeaderEpoch(5));
  for (std::size_t at = 0; at < batch.size(); ++at) {
    if (at >= 8 && (at < 12 || at >= 16)) EXPECT_EQ(batch[at], sent[at]) << at;
  }
  auto on_disk = file_bytes(world->partition_path() + "/00000000000000000000.log");
  EXPECT_EQ(Bytes(on_disk.end() - static_cast<std::ptrdiff_t>(batch.size()), on_disk.end()), batch);
  EXPECT_EQ(world->log()->latest_leader_epoch(), LeaderEpoch(5));
  EXPECT_EQ(world->log()->leader_epoch_for(Offset(2)), LeaderEpoch(0));
  EXPECT_EQ(world->log()->end_offset_for_epoch(LeaderEpoch(0)), (EpochEndOffset{LeaderEpoch(0), Offset(3)}));
}

TEST_F(Appends, KeepTheProducersTimesAndCorrectAMaximumThatIsNotTheirs) {
  auto lying =
      with_header(make_batch({.values = {"a", "b", "c"}}), [](auto& header) { header.max_timestamp = TimestampMs(5); });
  auto outcome = world->append_in_place(lying);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->log_append_time, TimestampMs::none());
  EXPECT_EQ(outcome->max_timestamp, noon + 2);
  auto batch = protocol::parse_batch(lying);
  EXPECT_EQ(batch->header.max_timestamp, noon + 2);
  EXPECT_EQ(batch->header.attributes.timestamp_type(), TimestampType::create_time);
  EXPECT_TRUE(protocol::check_batch_crc(*batch));
}

TEST_F(Appends, GetTheBrokersTimeWhereTheTopicDemandsIt) {
  LogConfig config;
  config.message_timestamp_type = TimestampType::log_append_time;
  config.message_timestamp_before_max_ms = 0;  // says nothing about times that are not kept
  start(config);
  world->shard.advance(std::chrono::seconds(9));
  for (auto codec : {protocol::Codec::none, protocol::Codec::zstd}) {
    auto bytes = make_batch({.values = {"a", "b"}, .codec = codec, .timestamp = TimestampMs(77)});
    auto outcome = world->append_in_place(bytes);
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_EQ(outcome->log_append_time, noon + 9000);
    EXPECT_EQ(outcome->max_timestamp, noon + 9000);
    auto batch = protocol::parse_batch(bytes);
    EXPECT_EQ(batch->header.max_timestamp, noon + 9000);
    EXPECT_EQ(batch->header.attributes.timestamp_type(), TimestampType::log_append_time);
    EXPECT_TRUE(protocol::check_batch_crc(*batch));
  }
  EXPECT_EQ(world->read_all().size(), 4U);
  EXPECT_EQ(world->find_offset(noon + 9000)->offset, Offset(0));
}

TEST_F(Appends, AreRefusedWhenAnyByteOfTheBatchIsAnother) {
  const auto good = make_batch({.values = {"some value"},
                                .producer_id = ProducerId(1),
                                .producer_epoch = ProducerEpoch(0),
                                .base_sequence = Sequence(0)});
  for (std::size_t at = 8; at < good.size(); ++at) {
    if (at >= 12 && at < 16) continue;  // the leader epoch is the broker's to set
    auto bad = good;
    bad[at] ^= 0x41;
    EXPECT_TRUE(refusal(std::move(bad))) << "byte " << at;
  }
  EXPECT_EQ(refusal(good), std::nullopt);
  auto bad = good;
  bad.back() ^= 1;
  EXPECT_EQ(refusal(std::move(bad)), AppendErrorKind::corrupt_batch);
}

TEST_F(Appends, AreRefusedWhenTheyAreNotOneWholeBatch) {
  const auto good = make_batch({.values = {"a"}});
  EXPECT_EQ(refusal({}), AppendErrorKind::invalid_record);
  EXPECT_EQ(refusal(joined({good, good})), AppendErrorKind::invalid_record);
  for (std::size_t size = 1; size < good.size(); ++size) {
    EXPECT_EQ(refusal(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))),
              AppendErrorKind::corrupt_batch)
        << size;
  }
}

TEST_F(Appends, AreRefusedInFormatsThatAreNotSpoken) {
  for (int magic : {3, -1}) {
    auto batch = make_batch({.values = {"a"}});
    batch[protocol::batch_magic_position] = static_cast<std::uint8_t>(magic);
    EXPECT_EQ(refusal(batch), AppendErrorKind::corrupt_batch) << magic;
  }
  // Clients alone send the old formats.
  for (int magic : {0, 1}) {
    auto batch = make_batch({.values = {"a"}});
    batch[protocol::batch_magic_position] = static_cast<std::uint8_t>(magic);
    EXPECT_EQ(refusal(batch, AppendOrigin::coordinator), AppendErrorKind::unsupported_format) << magic;
  }
}

TEST_F(Appends, AreRefusedWhenTheHeaderDoesNotFitTheRecords) {
  const auto good = make_batch({.values = {"a", "b", "c"}});
  using Edit = std::function<void(protocol::BatchHeader&)>;
  const std::vector<std::pair<std::string, Edit>> edits{
      {"one record more than there is", [](auto& h) { h.record_count = 4, h.last_offset_delta = 3; }},
      {"one record fewer", [](auto& h) { h.record_count = 2, h.last_offset_delta = 1; }},
      {"a count that is not the range's", [](auto& h) { h.record_count = 2; }},
      {"a range that is not the count's", [](auto& h) { h.last_offset_delta = 5; }},
      {"no records", [](auto& h) { h.record_count = 0, h.last_offset_delta = -1; }},
      {"a base offset of its own", [](auto& h) { h.base_offset = Offset(1); }},
      {"a base offset that overflows",
       [](auto& h) { h.base_offset = Offset(std::numeric_limits<std::int64_t>::max()); }},
      {"control records", [](auto& h) { h.attributes.set_control(true); }},
      {"a producer without a sequence", [](auto& h) { h.producer_id = ProducerId(4); }},
  };
  for (const auto& [what, edit] : edits) {
    auto kind = refusal(with_header(good, edit));
    EXPECT_TRUE(kind == AppendErrorKind::invalid_record || kind == AppendErrorKind::corrupt_batch) << what;
  }
}

TEST_F(Appends, AreRefusedBeyondTheTopicsAndTheSegmentsSize) {
  const auto batch = make_batch({.values = {std::string(500, 'x')}});
  LogConfig config;
  config.max_message_bytes = static_cast<std::int32_t>(batch.size()) - 1;
  start(config);
  EXPECT_EQ(refusal(batch), AppendErrorKind::batch_too_large);
  config.max_message_bytes += 1;
  start(config);
  EXPECT_EQ(refusal(batch), std::nullopt) << "exactly as large as allowed";
  config.segment_bytes = static_cast<std::int32_t>(batch.size()) - 1;
  start(config);
  EXPECT_EQ(refusal(batch), AppendErrorKind::larger_than_segment);
}

TEST_F(Appends, AreRefusedWithTheRecordsWhoseTimesAreOutOfBounds) {
  LogConfig config;
  config.message_timestamp_before_max_ms = 10'000;
  config.message_timestamp_after_max_ms = 2;
  start(config);
  EXPECT_EQ(refusal(make_batch({.values = {"a", "b", "c"}})), std::nullopt) << "the last is 2 ms ahead";
  auto outcome = world->append({.values = {"a", "b", "c", "d", "e"}});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, AppendErrorKind::invalid_timestamp);
  ASSERT_EQ(outcome.error().record_errors.size(), 2U);
  EXPECT_EQ(outcome.error().record_errors[0].index, 3);
  EXPECT_EQ(outcome.error().record_errors[1].index, 4);
  EXPECT_EQ(refusal(make_batch({.values = {"old"}, .timestamp = noon - 10'000})), std::nullopt);
  EXPECT_EQ(refusal(make_batch({.values = {"old"}, .timestamp = noon - 10'001})), AppendErrorKind::invalid_timestamp);
  EXPECT_EQ(refusal(make_batch({.values = {"none"}, .timestamp = TimestampMs::none()})), std::nullopt);
}

TEST_F(Appends, AreRefusedWhenTheProducerClaimsTheBrokersTime) {
  auto batch = with_header(make_batch({.values = {"a"}}), [](auto& header) {
    header.attributes.set_timestamp_type(TimestampType::log_append_time);
    header.max_timestamp = TimestampMs::none();
  });
  EXPECT_EQ(refusal(batch), AppendErrorKind::invalid_timestamp);
}

TEST_F(Appends, NeedKeysInACompactedTopicAndNameAHundredThatLackThem) {
  LogConfig config;
  config.compacted = true;
  start(config);
  EXPECT_EQ(refusal(make_batch({.values = {"a"}})), std::nullopt);
  auto outcome = world->append({.values = std::vector<std::string>(150, "v"), .keyed = false});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, AppendErrorKind::invalid_record);
  EXPECT_EQ(outcome.error().record_errors.size(), AppendError::max_record_errors);
  EXPECT_EQ(outcome.error().record_errors[7].index, 7);
}

TEST_F(Appends, GetTheTopicsCompression) {
  LogConfig config;
  config.compression = protocol::Codec::gzip;
  start(config);
  ASSERT_TRUE(world->append({.values = {"a", "b"},
                             .codec = protocol::Codec::lz4,
                             .producer_id = ProducerId(5),
                             .producer_epoch = ProducerEpoch(2),
                             .base_sequence = Sequence(9)}));
  ASSERT_TRUE(world->append({.values = {"c"}}));
  auto header = protocol::parse_batch(world->bytes_of(*world->read(Offset(0))))->header;
  EXPECT_EQ(header.attributes.codec(), protocol::Codec::gzip);
  EXPECT_EQ(header.producer_id, ProducerId(5));
  EXPECT_EQ(header.producer_epoch, ProducerEpoch(2));
  EXPECT_EQ(header.base_sequence, Sequence(9));
  EXPECT_EQ(world->read_all(), (std::vector<ReadRecord>{{Offset(0), "a"}, {Offset(1), "b"}, {Offset(2), "c"}}));
}

TEST_F(Appends, AreCompressedAnewOnlyWhereTheTopicDemandsAnotherCodec) {
  using protocol::Codec;
  constexpr std::optional<Codec> topics[] = {std::nullopt,  Codec::none, Codec::gzip,
                                             Codec::snappy, Codec::lz4,  Codec::zstd};
  for (auto topic : topics) {
    LogConfig config;
    config.compression = topic;
    start(config);
    std::int64_t next = 0;
    for (auto codec : {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
      SCOPED_TRACE(std::string(to_string(codec)) + " for a topic of " +
                   std::string(topic ? to_string(*topic) : "producer"));
      const auto sent = make_batch({.values = {"a", std::string(500, 'x')}, .codec = codec});
      ASSERT_TRUE(world->append(sent));
      auto stored = world->bytes_of(*world->read(Offset(next)));
      const auto header = protocol::parse_batch(stored)->header;
      EXPECT_EQ(header.attributes.codec(), topic.value_or(codec));
      const bool is_as_sent = std::equal(stored.begin() + protocol::batch_header_bytes, stored.end(),
                                         sent.begin() + protocol::batch_header_bytes, sent.end());
      EXPECT_EQ(is_as_sent, !topic || *topic == codec);
      EXPECT_EQ(records_in(stored),
                (std::vector<ReadRecord>{{Offset(next), "a"}, {Offset(next + 1), std::string(500, 'x')}}));
      next += 2;
    }
    EXPECT_EQ(world->options.conversions->used_bytes(), 0U);
  }
}

TEST_F(Appends, AreCompressedAtTheTopicsLevel) {
  using protocol::Codec;
  std::string value;
  for (int number = 0; number < 5000; ++number) {
    value += "record " + std::to_string(number % 317) + " of " + std::to_string(number * number % 1013) + "; ";
  }
  for (auto [codec, low, high] : {std::tuple(Codec::gzip, 1, 9), {Codec::lz4, 1, 12}, {Codec::zstd, -50, 19}}) {
    std::size_t size_bytes[2] = {};
    for (int at = 0; at < 2; ++at) {
      LogConfig config;
      config.compression = codec;
      config.compression_level = at == 0 ? low : high;
      start(config);
      auto outcome = world->append({.values = {value}});
      ASSERT_TRUE(outcome) << outcome.error().message;
      size_bytes[at] = outcome->size_bytes;
      EXPECT_EQ(world->read_all().at(0).value, value);
    }
    EXPECT_GT(size_bytes[0], size_bytes[1]) << to_string(codec);
  }
}

TEST_F(Appends, OfABombAreRefusedAndCountedWhetherTheyAreStoredAnewOrNot) {
  protocol::ConversionBounds::Settings settings;
  settings.decompression.always_allowed_bytes = 1 << 20;
  settings.decompression.ratio_limit = 10;
  settings.memory_bytes = 1 << 20;
  for (auto topic : {std::optional<protocol::Codec>(), std::optional(protocol::Codec::none)}) {
    LogConfig config;
    config.compression = topic;
    config.max_message_bytes = 1 << 30;
    world = std::make_unique<LogWorld>(config, files);
    world->options.conversions = std::make_shared<protocol::ConversionBounds>(settings);
    ASSERT_TRUE(world->start());
    for (auto codec : {protocol::Codec::gzip, protocol::Codec::lz4, protocol::Codec::zstd}) {
      EXPECT_EQ(refusal(make_batch({.values = {std::string(5 << 20, 'x')}, .codec = codec})),
                AppendErrorKind::batch_too_large)
          << to_string(codec);
    }
    EXPECT_EQ(world->options.conversions->refusals(), 3U);
    EXPECT_EQ(world->options.conversions->used_bytes(), 0U);
    EXPECT_EQ(refusal(make_batch({.values = {"fine"}, .codec = protocol::Codec::zstd})), std::nullopt);
  }
}

// ---- idempotent producers

struct ProducerAppends : Appends {
  AppendOutcome produce(std::int32_t sequence, std::int32_t count = 1, std::int16_t epoch = 0, std::int64_t id = 1) {
    return world->append({.values = std::vector<std::string>(static_cast<std::size_t>(count), std::to_string(sequence)),
                          .producer_id = ProducerId(id),
                          .producer_epoch = ProducerEpoch(epoch),
                          .base_sequence = Sequence(sequence)});
  }
};

TEST_F(ProducerAppends, AnswerARetryOfTheLastFiveBatchesWithTheOffsetsThatItGot) {
  for (int number = 0; number < 6; ++number) ASSERT_TRUE(produce(number * 2, 2));
  for (int number = 1; number < 6; ++number) {
    auto again = produce(number * 2, 2);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_TRUE(again->duplicate);
    EXPECT_EQ(again->base_offset, Offset(number * 2));
    EXPECT_EQ(again->last_offset, Offset(number * 2 + 1));
  }
  EXPECT_EQ(refusal_of(produce(0, 2)), AppendErrorKind::out_of_order_sequence) << "the sixth is forgotten";
  EXPECT_EQ(world->log()->log_end_offset(), Offset(12)) << "nothing was written twice";
}

TEST_F(ProducerAppends, AreRefusedOutOfOrderAndLeaveTheProducerWhereItWas) {
  ASSERT_TRUE(produce(0, 3));
  EXPECT_EQ(refusal_of(produce(4)), AppendErrorKind::out_of_order_sequence);
  EXPECT_EQ(refusal_of(produce(1)), AppendErrorKind::out_of_order_sequence);
  ASSERT_TRUE(produce(3));
  EXPECT_EQ(world->log()->log_end_offset(), Offset(4));
}

TEST_F(ProducerAppends, OfANewEpochStartAtZeroAndFenceTheOld) {
  ASSERT_TRUE(produce(0, 3));
  EXPECT_EQ(refusal_of(produce(3, 1, 1)), AppendErrorKind::out_of_order_sequence);
  ASSERT_TRUE(produce(0, 1, 1));
  EXPECT_EQ(refusal_of(produce(3, 1, 0)), AppendErrorKind::invalid_producer_epoch);
  EXPECT_TRUE(produce(1, 1, 1));
  EXPECT_TRUE(produce(0, 1, 0, 2)) << "another producer is another matter";
}

TEST_F(ProducerAppends, ThatFailOnDiskMayBeRetriedAfterTheNextStart) {
  ASSERT_TRUE(produce(0));
  files.faults->writable_bytes = 10;
  EXPECT_EQ(refusal_of(produce(1)), AppendErrorKind::storage);
  files.faults->writable_bytes = Faults::none;
  world->kill();
  ASSERT_TRUE(world->start());
  auto again = produce(1);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->duplicate) << "the failed one is not remembered";
  EXPECT_EQ(again->base_offset, Offset(1));
}

TEST_F(ProducerAppends, AreForgottenAfterTheirExpiration) {
  ASSERT_TRUE(produce(7));
  world->shard.advance(std::chrono::hours(25));
  world->log()->housekeeping(world->shard.clock().wall_clock());
  EXPECT_TRUE(produce(3)) << "unknown producers may start anywhere";
}

TEST_F(ProducerAppends, OfATransactionAreUnstableUntilItsMarker) {
  ASSERT_TRUE(world->append({.values = {"plain"}}));
  EXPECT_EQ(world->log()->first_unstable_offset(), Offset::none());
  for (std::int32_t sequence : {0, 1}) {
    ASSERT_TRUE(world->append({.values = {"t"},
                               .producer_id = ProducerId(1),
                               .producer_epoch = ProducerEpoch(0),
                               .base_sequence = Sequence(sequence),
                               .transactional = true}));
  }
  EXPECT_EQ(world->log()->first_unstable_offset(), Offset(1));
  EXPECT_EQ(refusal_of(produce(2)), AppendErrorKind::invalid_transaction_state);
  const auto marker = marker_batch(ProducerId(1), ProducerEpoch(0), true, 3);
  EXPECT_EQ(refusal(marker), AppendErrorKind::invalid_record) << "not from a client";
  ASSERT_TRUE(world->append(marker, AppendOrigin::coordinator));
  world->log()->publish_high_watermark(world->log()->log_end_offset());
  EXPECT_EQ(world->log()->first_unstable_offset(), Offset::none());
  EXPECT_EQ(refusal(marker_batch(ProducerId(1), ProducerEpoch(0), false, 2), AppendOrigin::coordinator),
            AppendErrorKind::coordinator_fenced);
}

// ---- a follower's appends

struct ReplicatedAppends : Appends {
  static Bytes batch(std::int64_t offset, int count = 1, std::int32_t epoch = 0) {
    return make_batch({.values = std::vector<std::string>(static_cast<std::size_t>(count), "r"),
                       .base_offset = Offset(offset),
                       .leader_epoch = LeaderEpoch(epoch)});
  }
  AppendOutcome replicate(Bytes bytes) { return world->append(std::move(bytes), AppendOrigin::replica); }
};

TEST_F(ReplicatedAppends, KeepTheLeadersOffsetsAndEpochs) {
  world->leader_epoch = LeaderEpoch(4);
  auto outcome = replicate(joined({batch(0, 2, 1), batch(2, 1, 1), batch(5, 1, 4)}));
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->base_offset, Offset(0));
  EXPECT_EQ(outcome->last_offset, Offset(5));
  EXPECT_EQ(world->log()->log_end_offset(), Offset(6));
  EXPECT_EQ(world->log()->end_offset_for_epoch(LeaderEpoch(1)), (EpochEndOffset{LeaderEpoch(1), Offset(5)}));
  EXPECT_EQ(world->read_all().back().offset, Offset(5));
}

TEST_F(ReplicatedAppends, LeaveOutALastBatchThatIsCut) {
  const auto whole = batch(0, 2);
  auto cut = batch(2);
  cut.pop_back();
  auto outcome = replicate(joined({whole, cut}));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->last_offset, Offset(1));
  EXPECT_EQ(outcome->size_bytes, whole.size());
}

TEST_F(ReplicatedAppends, AreRefusedBelowTheEndOutOfOrderOrDamaged) {
  ASSERT_TRUE(replicate(batch(0, 3)));
  EXPECT_EQ(refusal(batch(2), AppendOrigin::replica), AppendErrorKind::unexpected_offset);
  EXPECT_EQ(refusal(joined({batch(3, 2), batch(4)}), AppendOrigin::replica), AppendErrorKind::offsets_out_of_order);
  auto bad = joined({batch(3), batch(4)});
  bad.back() ^= 1;
  EXPECT_EQ(refusal(std::move(bad), AppendOrigin::replica), AppendErrorKind::corrupt_batch);
}

TEST_F(ReplicatedAppends, AreIndexedBatchByBatchAsARebuildDoes) {
  LogConfig config;
  config.index_interval_bytes = static_cast<std::int32_t>(2 * batch(0).size());
  start(config);
  std::vector<Bytes> batches;
  for (int offset = 0; offset < 40; ++offset) batches.push_back(batch(offset));
  ASSERT_TRUE(replicate(joined({batches.begin(), batches.begin() + 13})));
  ASSERT_TRUE(world->stop());
  ASSERT_TRUE(world->start());
  ASSERT_TRUE(replicate(joined({batches.begin() + 13, batches.end()}))) << "behind an index that was loaded";
  ASSERT_TRUE(world->stop());
  const auto path = world->partition_path() + "/00000000000000000000";
  const auto index = file_bytes(path + ".index");
  EXPECT_GT(index.size(), 8U * 10);
  ASSERT_TRUE(posix_file_system().remove(path + ".index"));
  ASSERT_TRUE(world->start());
  ASSERT_TRUE(world->stop());
  EXPECT_EQ(file_bytes(path + ".index"), index);
}

TEST_F(ReplicatedAppends, AreSpreadOverSegmentsOfTheirSize) {
  LogConfig config;
  config.segment_bytes = static_cast<std::int32_t>(3 * batch(0).size());
  start(config);
  std::vector<Bytes> batches;
  for (int offset = 0; offset < 10; ++offset) batches.push_back(batch(offset));
  ASSERT_TRUE(replicate(joined(batches)));
  EXPECT_EQ(world->log()->published().segments, 4U);
  EXPECT_EQ(world->read_all().size(), 10U);
}

TEST_F(ReplicatedAppends, RollWhereTheNextOffsetIsTooFarFromTheSegmentsBase) {
  const auto far = std::int64_t{3} << 31;
  auto outcome = replicate(joined({batch(10), batch(far), batch(far + 1)}));
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->last_offset, Offset(far + 1));
  ASSERT_TRUE(replicate(batch(2 * far)));
  EXPECT_EQ(world->log()->published().segments, 3U);
  std::vector<std::int64_t> offsets;
  for (const auto& record : world->read_all()) offsets.push_back(record.offset.value());
  EXPECT_EQ(offsets, (std::vector<std::int64_t>{10, far, far + 1, 2 * far}));
}

TEST_F(ReplicatedAppends, PublishWhatWasWrittenBeforeTheDiskRefused) {
  LogConfig config;
  config.segment_bytes = static_cast<std::int32_t>(batch(0).size());
  start(config);
  files.faults->only_for = [](const std::string& path) { return path.ends_with(".log"); };
  files.faults->writable_bytes = 2 * batch(0).size();
  EXPECT_EQ(refusal_of(replicate(joined({batch(0), batch(1), batch(2)}))), AppendErrorKind::storage);
  EXPECT_EQ(world->log()->log_end_offset(), Offset(2));
  EXPECT_EQ(world->log()->published().log_end_offset, 2);
}

// ---- a failing disk

TEST_F(Appends, LeaveTheLogAsItWasWhenTheDiskIsFull) {
  ASSERT_TRUE(world->append({.values = {"a"}}));
  std::vector<ReadRecord> acknowledged{{Offset(0), "a"}};
  for (std::uint64_t room : {0, 1, 60, 61, 70}) {
    files.faults->writable_bytes = room;
    EXPECT_EQ(refusal(make_batch({.values = {"refused"}})), AppendErrorKind::storage) << room;
    files.faults->writable_bytes = Faults::none;
    EXPECT_EQ(refusal(make_batch({.values = {"too late"}})), AppendErrorKind::storage)
        << "the directory is offline, as Kafka's is, though there is room again";
    EXPECT_FALSE(world->stop()) << "it gets no mark of a clean stop";
    ASSERT_TRUE(world->start());
    EXPECT_FALSE(world->manager->had_clean_shutdown());
    EXPECT_EQ(world->read_all(), acknowledged) << "nothing of what was refused";
    const auto value = std::to_string(room);
    ASSERT_TRUE(world->append({.values = {value}}));
    acknowledged.push_back({Offset(static_cast<std::int64_t>(acknowledged.size())), value});
  }
}

TEST_F(Appends, EndUntilRecoveryWhenTheRestOfAFailedOneCannotBeCutOff) {
  ASSERT_TRUE(world->append({.values = {"a"}}));
  files.faults->writable_bytes = 30;
  files.faults->fail_truncate = true;
  EXPECT_EQ(refusal(make_batch({.values = {"refused"}})), AppendErrorKind::storage);
  *files.faults = Faults{};
  EXPECT_EQ(refusal(make_batch({.values = {"b"}})), AppendErrorKind::storage);
  EXPECT_FALSE(world->stop()) << "such a log is not closed cleanly";
  ASSERT_TRUE(world->start());
  EXPECT_FALSE(world->manager->had_clean_shutdown());
  EXPECT_EQ(world->log()->recovery_point(), Offset(0));
  ASSERT_TRUE(world->append({.values = {"b"}}));
  EXPECT_EQ(world->read_all(), (std::vector<ReadRecord>{{Offset(0), "a"}, {Offset(1), "b"}}));
}

TEST_F(Appends, GoOnInTheOldSegmentWhenANewOneCannotBeMade) {
  LogConfig config;
  config.segment_bytes = 1000;
  start(config);
  ASSERT_TRUE(world->append({.values = {std::string(300, 'a')}}));
  for (const std::string suffix : {".log", ".index", ".timeindex"}) {
    // Not the disk's fault: a process without descriptors.
    files.faults->open_failure = ErrorKind::resource_exhausted;
    files.faults->fail_open = [suffix](const std::string& path) { return path.ends_with("1" + suffix); };
    EXPECT_EQ(refusal(make_batch({.values = {std::string(800, 'x')}})), AppendErrorKind::storage) << suffix;
    files.faults->fail_open = nullptr;
    EXPECT_EQ(names_in(world->partition_path()).size(), 5U)
        << "nothing is left of it: one segment, its indexes, epochs, partition.metadata";
  }
  ASSERT_TRUE(world->append({.values = {std::string(300, 'b')}}));
  world->log()->flush([](const Status& status) { EXPECT_TRUE(status); });
  world->kill();
  ASSERT_TRUE(world->start());
  EXPECT_EQ(world->log()->log_end_offset(), Offset(2)) << "what was flushed is there";
  EXPECT_EQ(world->read_all().size(), 2U);
}

TEST_F(Appends, AndReadsAreRefusedByALogThatHasStopped) {
  ASSERT_TRUE(world->append({.values = {"a"}}));
  world->log()->stop();
  EXPECT_EQ(refusal(make_batch({.values = {"b"}})), AppendErrorKind::closed);
  EXPECT_EQ(world->read(Offset(0)).error().kind, ReadErrorKind::closed);
  EXPECT_EQ(world->find_offset(TimestampMs(0)).error().kind, ReadErrorKind::closed);
}

}  // namespace
}  // namespace millrace::log::test
