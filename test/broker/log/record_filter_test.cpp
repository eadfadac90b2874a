#include "broker/log/record_filter.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "broker/protocol/compression.h"
#include "broker/protocol/legacy_message.h"
#include "broker/protocol/record_batch_builder.h"

namespace millrace::log {
namespace {

using protocol::Codec;
using protocol::RecordBatchBuilder;
using protocol::RecordReader;
using Bytes = std::vector<std::uint8_t>;

constexpr TimestampMs now{1'000'000};
constexpr std::array<std::uint8_t, 4> abort_key{0, 0, 0, 0};
constexpr std::array<std::uint8_t, 4> commit_key{0, 0, 0, 1};
constexpr std::array<std::uint8_t, 6> marker_value{};

struct FilterWorld {
  SeededRandom random{1};
  KeyOffsetMap keys{24 * 1000, 0.9, random};
  CleanedTransactions transactions;
  ActiveProducers producers;
  RecordFilter filter{keys, transactions, producers};
  FilterSettings settings{.now = now, .delete_retention_ms = 500};

  void map(std::string_view key, std::int64_t offset) { keys.put(as_bytes(key), Offset(offset)); }
  FilteredBatch run(const Bytes& bytes) {
    auto batch = check_any_batch(bytes);
    EXPECT_TRUE(batch) << batch.error().message;
    auto filtered = filter.filter(*batch, settings);
    EXPECT_TRUE(filtered) << filtered.error().message;
    return *filtered;
  }
};

// Records "a", "b", "c" at 10, 11, 12 with the times 100, 101, 102.
Bytes three_records(RecordBatchBuilder::Options options = {}) {
  options.base_offset = Offset(10);
  RecordBatchBuilder builder(options);
  for (int index = 0; index < 3; ++index) {
    const char key = static_cast<char>('a' + index);
    builder.append(TimestampMs(100 + index), as_bytes(std::string_view(&key, 1)), as_bytes("value"));
  }
  return builder.build().value();
}

std::vector<std::string> keys_of(const Bytes& bytes) {
  const auto batch = protocol::parse_batch(bytes).value();
  EXPECT_TRUE(protocol::check_batch_crc(batch));
  const auto plain = protocol::decompress(batch.header.attributes.codec(), batch.records()).value();
  std::vector<std::string> keys;
  RecordReader reader(batch.header, plain);
  while (reader.next())
    keys.push_back(std::string(as_text(*reader.record().key)) + "@" +
                   std::to_string(reader.record().offset(batch.header).value()) + "/" +
                   std::to_string(reader.record().timestamp(batch.header).value()));
  EXPECT_TRUE(reader.status());
  return keys;
}

Bytes marker(std::int64_t offset, ProducerId producer, BytesView key, std::optional<TimestampMs> horizon = {}) {
  RecordBatchBuilder builder({.base_offset = Offset(offset),
                              .producer_id = producer,
                              .producer_epoch = ProducerEpoch(0),
                              .is_transactional = true,
                              .is_control = true,
                              .delete_horizon = horizon});
  builder.append(TimestampMs(100), key, BytesView(marker_value));
  return builder.build().value();
}

TEST(RecordFilter, KeepsABatchOfWhichEverythingIsTheNewest) {
  FilterWorld world;
  world.map("a", 10);
  world.map("b", 11);
  world.map("c", 12);
  const auto result = world.run(three_records());
  EXPECT_EQ(result.fate, BatchFate::kept);
  EXPECT_TRUE(result.rewritten.empty());
  EXPECT_EQ(result.records_kept, 3U);
}

TEST(RecordFilter, KeepsUnseenWhatLiesBehindTheMap) {
  FilterWorld world;
  world.map("b", 11);
  world.map("a", 10);
  world.keys.set_latest_offset(Offset(11));
  EXPECT_EQ(world.run(three_records()).fate, BatchFate::kept) << "c was not mapped";
}

TEST(RecordFilter, RewritesABatchWithItsOffsetsProducerAndSequencesInEveryCodec) {
  for (const Codec codec : {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    FilterWorld world;
    world.map("a", 90);
    world.map("c", 91);
    const auto result = world.run(three_records({.partition_leader_epoch = LeaderEpoch(5),
                                                 .codec = codec,
                                                 .producer_id = ProducerId(3),
                                                 .producer_epoch = ProducerEpoch(1),
                                                 .base_sequence = Sequence(20)}));
    ASSERT_EQ(result.fate, BatchFate::rewritten);
    EXPECT_EQ(keys_of(result.rewritten), std::vector<std::string>{"b@11/101"});
    const auto header = protocol::parse_batch_header(result.rewritten).value();
    EXPECT_EQ(header.base_offset, Offset(10));
    EXPECT_EQ(header.last_offset(), Offset(12));
    EXPECT_EQ(header.last_sequence(), Sequence(22));
    EXPECT_EQ(header.producer_id, ProducerId(3));
    EXPECT_EQ(header.partition_leader_epoch, LeaderEpoch(5));
    EXPECT_EQ(header.attributes.codec(), codec);
    EXPECT_EQ(header.base_timestamp, TimestampMs(101)) << "of the first record that stays";
    EXPECT_EQ(header.max_timestamp, TimestampMs(101));
    EXPECT_EQ(result.max_timestamp, TimestampMs(101));
    EXPECT_EQ(result.last_offset, Offset(12));
  }
}

TEST(RecordFilter, DropsARecordWithoutAKeyAndCountsIt) {
  FilterWorld world;
  world.keys.set_latest_offset(Offset(100));
  RecordBatchBuilder builder({});
  builder.append(TimestampMs(1), std::nullopt, as_bytes("value"));
  const auto result = world.run(builder.build().value());
  EXPECT_EQ(result.fate, BatchFate::dropped);
  EXPECT_EQ(result.records_without_key, 1U);
}

TEST(RecordFilter, SetsTheDeleteHorizonOnceAndDropsTheTombstoneWhenItIsOver) {
  FilterWorld world;
  world.map("gone", 0);
  world.map("here", 1);
  RecordBatchBuilder builder({});
  builder.append(TimestampMs(100), as_bytes("gone"), std::nullopt);
  builder.append(TimestampMs(101), as_bytes("here"), as_bytes("value"));
  const auto first = world.run(builder.build().value());
  ASSERT_EQ(first.fate, BatchFate::rewritten);
  EXPECT_EQ(keys_of(first.rewritten), (std::vector<std::string>{"gone@0/100", "here@1/101"}));
  const auto header = protocol::parse_batch_header(first.rewritten).value();
  EXPECT_TRUE(header.attributes.has_delete_horizon());
  EXPECT_EQ(header.base_timestamp, now + 500);
  EXPECT_EQ(header.max_timestamp, TimestampMs(101));

  world.settings.now = now + 499;
  EXPECT_EQ(world.run(first.rewritten).fate, BatchFate::kept) << "the horizon does not move";
  world.settings.now = now + 500;
  const auto last = world.run(first.rewritten);
  ASSERT_EQ(last.fate, BatchFate::rewritten);
  EXPECT_EQ(keys_of(last.rewritten), std::vector<std::string>{"here@1/101"});
  EXPECT_EQ(protocol::parse_batch_header(last.rewritten).value().base_timestamp, now + 500);
}

TEST(RecordFilter, EmptiesTheLastBatchOfAProducerThatIsActive) {
  FilterWorld world;
  world.map("a", 90);
  world.map("b", 91);
  world.map("c", 92);
  const auto bytes =
      three_records({.producer_id = ProducerId(3), .producer_epoch = ProducerEpoch(1), .base_sequence = Sequence(20)});
  EXPECT_EQ(world.run(bytes).fate, BatchFate::dropped) << "the producer has expired";
  world.producers[ProducerId(3)] = {.last_data_offset = Offset(12), .epoch = ProducerEpoch(1)};
  const auto result = world.run(bytes);
  ASSERT_EQ(result.fate, BatchFate::emptied);
  EXPECT_EQ(result.rewritten.size(), protocol::batch_header_bytes);
  EXPECT_EQ(result.max_timestamp, TimestampMs(102));
  EXPECT_EQ(world.run(result.rewritten).fate, BatchFate::emptied);
  world.producers[ProducerId(3)].last_data_offset = Offset(80);
  EXPECT_EQ(world.run(result.rewritten).fate, BatchFate::dropped);
}

TEST(RecordFilter, EmptiesTheBatchAtTheEndOfThePassThatWouldGo) {
  FilterWorld world;
  world.map("a", 90);
  world.map("b", 91);
  world.map("c", 92);
  world.settings.round_end = Offset(13);
  EXPECT_EQ(world.run(three_records()).fate, BatchFate::emptied);
  world.settings.round_end = Offset(14);
  EXPECT_EQ(world.run(three_records()).fate, BatchFate::dropped);
}

TEST(RecordFilter, DropsAbortedBatchesAtOnceAndTheirMarkerWhenItsHorizonIsOver) {
  FilterWorld world;
  const std::array aborted{AbortedTransaction{ProducerId(3), Offset(10), Offset(13), Offset(14)}};
  const auto data = three_records({.producer_id = ProducerId(3),
                                   .producer_epoch = ProducerEpoch(0),
                                   .base_sequence = Sequence(0),
                                   .is_transactional = true});
  const auto end = marker(13, ProducerId(3), abort_key);
  world.transactions.add_aborted(aborted);
  EXPECT_EQ(world.run(data).fate, BatchFate::dropped);
  EXPECT_EQ(world.run(end).fate, BatchFate::kept) << "its batches were seen in this pass";

  world.transactions = {};
  world.transactions.add_aborted(aborted);
  const auto first = world.run(end);
  ASSERT_EQ(first.fate, BatchFate::rewritten);
  EXPECT_EQ(protocol::parse_batch_header(first.rewritten).value().base_timestamp, now + 500);

  world.transactions = {};
  world.settings.now = now + 499;
  EXPECT_EQ(world.run(first.rewritten).fate, BatchFate::kept);
  world.settings.now = now + 500;
  EXPECT_EQ(world.run(first.rewritten).fate, BatchFate::dropped);
  world.producers[ProducerId(3)] = {.epoch = ProducerEpoch(0)};
  EXPECT_EQ(world.run(first.rewritten).fate, BatchFate::emptied) << "it is all that is left of its producer";
}

TEST(RecordFilter, KeepsTheMarkerOfACommitWhileDataOfItStays) {
  FilterWorld world;
  world.map("a", 90);
  const auto data = three_records({.producer_id = ProducerId(3),
                                   .producer_epoch = ProducerEpoch(0),
                                   .base_sequence = Sequence(0),
                                   .is_transactional = true});
  world.run(data);
  EXPECT_EQ(world.run(marker(13, ProducerId(3), commit_key)).fate, BatchFate::kept);
  EXPECT_EQ(world.run(marker(14, ProducerId(3), commit_key)).fate, BatchFate::rewritten) << "of an empty transaction";
}

Bytes compressed_message(std::int8_t magic) {
  Bytes inner;
  for (int index = 0; index < 3; ++index) {
    const char key = static_cast<char>('a' + index);
    protocol::append_legacy_message(inner, {.offset = Offset(magic == 0 ? 10 + index : index),
                                            .magic = magic,
                                            .timestamp = TimestampMs(100 + index),
                                            .key = as_bytes(std::string_view(&key, 1)),
                                            .value = as_bytes("value")});
  }
  const Bytes packed = protocol::compress(Codec::gzip, inner).value();
  Bytes bytes;
  protocol::append_legacy_message(bytes, {.offset = Offset(12),
                                          .magic = magic,
                                          .attributes = protocol::BatchAttributes(1),
                                          .timestamp = TimestampMs(102),
                                          .value = BytesView(packed)});
  return bytes;
}

TEST(RecordFilter, RewritesACompressedMessageOfAnOldFormatInThatFormat) {
  for (const std::int8_t magic : {std::int8_t{0}, std::int8_t{1}}) {
    FilterWorld world;
    world.map("a", 90);
    world.map("c", 91);
    const auto result = world.run(compressed_message(magic));
    ASSERT_EQ(result.fate, BatchFate::rewritten);
    const auto outer = protocol::parse_legacy_message(result.rewritten).value();
    EXPECT_TRUE(protocol::check_legacy_crc(outer));
    EXPECT_EQ(outer.magic, magic);
    EXPECT_EQ(outer.offset, Offset(11)) << "of the last that stays";
    EXPECT_EQ(outer.timestamp, magic == 0 ? TimestampMs::none() : TimestampMs(101));
    const Bytes plain = protocol::decompress(Codec::gzip, *outer.value).value();
    const auto inner = protocol::parse_legacy_message(plain).value();
    EXPECT_EQ(inner.offset, magic == 0 ? Offset(11) : Offset(0));
    EXPECT_EQ(as_text(*inner.key), "b");
  }
}

TEST(RecordFilter, DropsATombstoneOfAnOldFormatByTheAgeOfItsSegment) {
  FilterWorld world;
  world.map("a", 5);
  Bytes bytes;
  protocol::append_legacy_message(bytes, {.offset = Offset(5), .magic = 1, .key = as_bytes("a")});
  EXPECT_EQ(world.run(bytes).fate, BatchFate::kept);
  world.settings.keeps_legacy_tombstones = false;
  EXPECT_EQ(world.run(bytes).fate, BatchFate::dropped);
}

TEST(RecordFilter, TakesNoBatchWhoseChecksumIsWrong) {
  Bytes bytes = three_records();
  bytes.back() ^= 1;
  EXPECT_EQ(check_any_batch(bytes).error().kind, ErrorKind::corrupt);
  Bytes old = compressed_message(1);
  old.back() ^= 1;
  EXPECT_EQ(check_any_batch(old).error().kind, ErrorKind::corrupt);
}

TEST(MapKeys, StopsInTheMiddleOfABatchWhenTheMapIsFull) {
  SeededRandom random(1);
  KeyOffsetMap keys(24 * 2, 1.0, random);
  CleanedTransactions transactions;
  const Bytes bytes = three_records();
  EXPECT_FALSE(map_keys(check_any_batch(bytes).value(), Offset(0), transactions, keys).value());
  EXPECT_EQ(keys.latest_offset(), Offset(11));
}

TEST(MapKeys, LeavesOutWhatIsBelowTheFirstDirtyOffsetAbortedOrAMarker) {
  SeededRandom random(1);
  KeyOffsetMap keys(24 * 100, 0.9, random);
  CleanedTransactions transactions;
  const Bytes bytes = three_records({.codec = Codec::lz4});
  EXPECT_TRUE(map_keys(check_any_batch(bytes).value(), Offset(12), transactions, keys).value());
  EXPECT_EQ(keys.size(), 1U);
  EXPECT_EQ(keys.latest_offset(), Offset(12));

  const std::array aborted{AbortedTransaction{ProducerId(3), Offset(10), Offset(13), Offset(14)}};
  transactions.add_aborted(aborted);
  keys.clear();
  const Bytes data = three_records({.producer_id = ProducerId(3),
                                    .producer_epoch = ProducerEpoch(0),
                                    .base_sequence = Sequence(0),
                                    .is_transactional = true});
  EXPECT_TRUE(map_keys(check_any_batch(data).value(), Offset(0), transactions, keys).value());
  EXPECT_TRUE(
      map_keys(check_any_batch(marker(13, ProducerId(3), abort_key)).value(), Offset(0), transactions, keys).value());
  EXPECT_EQ(keys.size(), 0U);
  EXPECT_EQ(keys.latest_offset(), Offset(13));
}

}  // namespace
}  // namespace millrace::log
