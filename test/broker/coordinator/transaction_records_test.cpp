// The records of `__transaction_state` against those that a real Kafka wrote.
#include "broker/coordinator/transaction_records.h"

#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>

#include "broker/protocol/record.h"
#include "broker/protocol/record_batch.h"
#include "broker/protocol/stored_record.h"
#include "test/broker/protocol/golden_file.h"

namespace millrace::coordinator {
namespace {

using protocol::test::from_hex;
using Bytes = std::vector<std::uint8_t>;

struct GoldenRecord {
  Bytes key;
  std::optional<Bytes> value;
};

std::vector<GoldenRecord> kafkas_records() {
  std::vector<GoldenRecord> records;
  for (const std::string& line : protocol::test::golden_lines("transaction_state.txt")) {
    if (!line.starts_with("batch ")) continue;
    const Bytes bytes = from_hex(line.substr(6));
    auto batch = protocol::parse_batch(bytes);
    EXPECT_TRUE(batch.has_value());
    protocol::RecordReader reader(batch->header, batch->records());
    while (reader.next()) {
      const auto& record = reader.record();
      GoldenRecord& copied = records.emplace_back();
      copied.key.assign(record.key->begin(), record.key->end());
      if (record.value) copied.value.emplace(record.value->begin(), record.value->end());
    }
  }
  return records;
}

Bytes golden(const std::string& kind, const std::string& name) {
  for (const std::string& line : protocol::test::golden_lines("transaction_state.txt")) {
    std::istringstream words(line);
    std::string of_kind;
    std::string named;
    std::string hex;
    words >> of_kind >> named >> hex;
    if (of_kind == kind && named == name) return from_hex(hex);
  }
  ADD_FAILURE() << "no golden " << kind << " " << name;
  return {};
}

TransactionMetadata ongoing() {
  TransactionMetadata metadata;
  metadata.producer_id = ProducerId(5000);
  metadata.producer_epoch = ProducerEpoch(7);
  metadata.timeout_ms = 60'000;
  metadata.state = TransactionState::ongoing;
  metadata.partitions = {
      {"__consumer_offsets", PartitionIndex(13)}, {"orders", PartitionIndex(0)}, {"orders", PartitionIndex(2)}};
  metadata.last_update = TimestampMs(1795360871045);
  metadata.start = TimestampMs(1795360871043);
  return metadata;
}

TEST(TransactionRecords, OfARealKafkaAreReadAndWrittenToTheSameBytes) {
  const auto records = kafkas_records();
  ASSERT_EQ(records.size(), 36U);
  std::size_t tombstones = 0;
  for (const auto& record : records) {
    auto transactional_id = transactional_id_of(record.key);
    ASSERT_TRUE(transactional_id) << transactional_id.error().message;
    ASSERT_TRUE(*transactional_id);
    const auto tombstone = transaction_tombstone(**transactional_id);
    EXPECT_EQ(tombstone->key, record.key);
    EXPECT_FALSE(tombstone->value);
    if (!record.value) {
      ++tombstones;
      continue;
    }
    auto value = protocol::decode_stored_record<TransactionLogValue>(*record.value);
    ASSERT_TRUE(value) << value.error().message;
    EXPECT_EQ(protocol::encode_stored_record(*value, 0), *record.value);

    auto metadata = transaction_metadata_of(*record.value);
    ASSERT_TRUE(metadata) << metadata.error().message;
    auto written = transaction_record(**transactional_id, *metadata);
    ASSERT_TRUE(written) << written.error().message;
    EXPECT_EQ(transaction_metadata_of(*written->value), *metadata);
    // Kafka lists partitions in the order of a hash set.
    if (metadata->partitions.size() < 2) EXPECT_EQ(written->value, record.value);
  }
  EXPECT_EQ(tombstones, 3U);
}

TEST(TransactionRecords, OfARealKafkaTellWhatHappened) {
  std::map<std::string, std::vector<std::string>> lives;
  for (const auto& record : kafkas_records()) {
    auto& life = lives[std::string(**transactional_id_of(record.key))];
    if (!record.value) {
      life.emplace_back("tombstone");
      continue;
    }
    const auto metadata = *transaction_metadata_of(*record.value);
    life.push_back(std::string(to_string(metadata.state)) + " " + std::to_string(metadata.producer_epoch.value()) +
                   " " + std::to_string(metadata.partitions.size()));
  }
  ASSERT_EQ(lives.size(), 3U);
  EXPECT_EQ(lives["txn-7spczc-f"],
            (std::vector<std::string>{"Empty 0 0", "Ongoing 0 1", "PrepareAbort 1 1", "CompleteAbort 1 0", "Empty 2 0",
                                      "Ongoing 2 1", "PrepareCommit 2 1", "CompleteCommit 2 0", "tombstone"}));
  EXPECT_EQ(lives["txn-7spczc-t"], (std::vector<std::string>{"Empty 0 0", "Ongoing 0 1", "PrepareAbort 1 1",
                                                             "CompleteAbort 1 0", "tombstone"}));
}

TEST(TransactionRecords, AreWrittenInVersion0AndReadInVersion1OfKafka4Too) {
  const auto written = transaction_record("payments-1", ongoing());
  ASSERT_TRUE(written);
  EXPECT_EQ(written->key, golden("key", "payments-1"));
  EXPECT_EQ((*written->value)[1], 0);
  for (const char* name : {"ongoing_v0", "ongoing_v1"}) {
    EXPECT_EQ(transaction_metadata_of(golden("value", name)), ongoing()) << name;
  }
  auto tagged = ongoing();
  tagged.last_producer_id = ProducerId(4999);
  EXPECT_EQ(transaction_metadata_of(golden("value", "tagged_v1")), tagged);
  for (const char* name : {"empty_v0", "empty_v1"}) {
    const auto empty = transaction_metadata_of(golden("value", name));
    ASSERT_TRUE(empty) << empty.error().message;
    EXPECT_EQ(empty->state, TransactionState::empty);
    EXPECT_EQ(empty->start, TimestampMs::none());
  }
  auto empty = *transaction_metadata_of(golden("value", "empty_v0"));
  EXPECT_EQ(transaction_record("payments-1", empty)->value, golden("value", "empty_v0"));
}

TEST(TransactionRecords, WithEveryTaggedFieldAreWrittenToKafka4sBytes) {
  const Bytes bytes = golden("value", "tagged_v1");
  const auto value = protocol::decode_stored_record<TransactionLogValue>(bytes);
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_EQ(value->next_producer_id, ProducerId(6000));
  EXPECT_EQ(value->client_transaction_version, 2);
  EXPECT_EQ(value->next_producer_epoch, ProducerEpoch(3));
  EXPECT_EQ(protocol::encode_stored_record(*value, 1), bytes);
}

TEST(TransactionRecords, OfAnUnknownKindArePassedOver) {
  Bytes key = golden("key", "payments-1");
  key[1] = 1;
  const auto transactional_id = transactional_id_of(key);
  ASSERT_TRUE(transactional_id);
  EXPECT_FALSE(*transactional_id);
}

TEST(TransactionRecords, ThatNoCoordinatorWritesAreRefused) {
  const Bytes sound = golden("value", "ongoing_v0");
  const auto kind_with = [&](std::size_t at, std::uint8_t byte) {
    Bytes bytes = sound;
    bytes[at] = byte;
    const auto metadata = transaction_metadata_of(bytes);
    return metadata ? std::nullopt : std::optional(metadata.error().kind);
  };
  EXPECT_EQ(kind_with(1, 2), ErrorKind::unsupported) << "version 2";
  EXPECT_EQ(kind_with(2, 0xff), ErrorKind::corrupt) << "a producer id below zero";
  EXPECT_EQ(kind_with(10, 0xff), ErrorKind::corrupt) << "an epoch below zero";
  for (const std::uint8_t state : {6, 7, 8, 0xff}) EXPECT_EQ(kind_with(16, state), ErrorKind::corrupt) << int{state};
  EXPECT_FALSE(kind_with(16, 5));
  Bytes without_partitions = golden("value", "empty_v0");
  without_partitions[16] = 1;
  EXPECT_EQ(transaction_metadata_of(without_partitions).error().kind, ErrorKind::corrupt);
}

TEST(TransactionRecords, ThatEndTooEarlyAreRefusedWhereverTheyEnd) {
  for (const char* name : {"ongoing_v0", "tagged_v1"}) {
    const Bytes bytes = golden("value", name);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(transaction_metadata_of(BytesView(bytes).first(size))) << name << " " << size;
    }
  }
  const Bytes key = golden("key", "payments-1");
  for (std::size_t size = 0; size < key.size(); ++size) EXPECT_FALSE(transactional_id_of(BytesView(key).first(size)));
}

TEST(TransactionStates, HaveKafkasNamesAndFollowEachOtherAsThere) {
  using enum TransactionState;
  const std::vector<TransactionState> all{empty,           ongoing,        prepare_commit, prepare_abort,
                                          complete_commit, complete_abort, dead,           prepare_epoch_fence};
  std::string names;
  std::string successors;
  for (const auto from : all) {
    names += std::string(to_string(from)) + " ";
    EXPECT_EQ(transaction_state_of(to_string(from)), from);
    for (const auto to : all) successors += may_follow(from, to) ? '1' : '0';
    successors += ' ';
  }
  EXPECT_EQ(names, "Empty Ongoing PrepareCommit PrepareAbort CompleteCommit CompleteAbort Dead PrepareEpochFence ");
  EXPECT_EQ(successors, "11000010 01110001 00001000 00000100 11000010 11000010 00000000 00010000 ");
  EXPECT_FALSE(transaction_state_of("ongoing"));
}

}  // namespace
}  // namespace millrace::coordinator
