// Record batches that Kafka's own classes made, of every codec, read record by record.
#include <gtest/gtest.h>

#include <sstream>

#include "broker/protocol/compression.h"
#include "broker/protocol/record.h"
#include "broker/protocol/record_batch.h"
#include "broker/protocol/record_batch_builder.h"
#include "broker/protocol/record_scanner.h"
#include "test/broker/protocol/golden_file.h"

namespace millrace::protocol {
namespace {

struct GoldenBatch {
  std::string name;
  std::vector<std::uint8_t> bytes;
  std::vector<std::int64_t> header;  // as GoldenBatches.java lists them
  std::vector<std::string> records;  // the rest of their lines
};

std::vector<GoldenBatch> golden_batches() {
  std::vector<GoldenBatch> batches;
  for (const std::string& line : test::golden_lines("batches.txt")) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    if (kind == "batch") {
      GoldenBatch& batch = batches.emplace_back();
      std::string hex;
      words >> batch.name >> hex;
      batch.bytes = test::from_hex(hex);
    } else if (kind == "header") {
      for (std::int64_t number = 0; words >> number;) batches.back().header.push_back(number);
    } else {
      batches.back().records.push_back(line.substr(kind.size() + 1));
    }
  }
  return batches;
}

std::string hex(std::optional<BytesView> bytes) {
  if (!bytes) return "null";
  if (bytes->empty()) return "-";
  std::string text;
  for (const std::uint8_t byte : *bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

std::string line_of(const BatchHeader& header, const Record& record) {
  std::string line = std::to_string(record.offset(header).value()) + " " +
                     std::to_string(record.timestamp(header).value()) + " " + hex(record.key) + " " + hex(record.value);
  for (const RecordHeader& each : record_headers(record)) {
    line += " " + (each.key.empty() ? std::string() : hex(as_bytes(each.key))) + "=" + hex(each.value);
  }
  return line;
}

bool is_old(const GoldenBatch& batch) { return batch.name.find("-magic-") != std::string::npos; }

TEST(GoldenBatches, HaveTheHeaderThatKafkaReads) {
  for (const GoldenBatch& golden : golden_batches()) {
    if (is_old(golden)) continue;
    const auto batch = parse_batch(golden.bytes);
    ASSERT_TRUE(batch) << golden.name << ": " << batch.error().message;
    const BatchHeader& header = batch->header;
    const std::vector<std::int64_t> read{header.base_offset.value(),
                                         header.last_offset().value(),
                                         header.partition_leader_epoch.value(),
                                         header.attributes.bits(),
                                         header.base_timestamp.value(),
                                         header.max_timestamp.value(),
                                         header.producer_id.value(),
                                         header.producer_epoch.value(),
                                         header.base_sequence.value(),
                                         header.last_sequence().value(),
                                         header.record_count};
    EXPECT_EQ(read, golden.header) << golden.name;
    EXPECT_TRUE(check_batch_crc(*batch)) << golden.name;
    EXPECT_EQ(batch->bytes.size(), golden.bytes.size()) << golden.name;
    EXPECT_EQ(header.attributes.is_control(), golden.name.starts_with("control-")) << golden.name;
    EXPECT_EQ(header.attributes.has_delete_horizon(), golden.name.ends_with("-delete-horizon")) << golden.name;
  }
}

TEST(GoldenBatches, HaveTheRecordsThatKafkaReads) {
  for (const GoldenBatch& golden : golden_batches()) {
    if (is_old(golden)) continue;
    const Batch batch = parse_batch(golden.bytes).value();
    const auto plain = decompress(batch.header.attributes.codec(), batch.records());
    ASSERT_TRUE(plain) << golden.name << ": " << plain.error().message;
    RecordReader reader(batch.header, *plain);
    std::vector<std::string> lines;
    while (reader.next()) lines.push_back(line_of(batch.header, reader.record()));
    EXPECT_TRUE(reader.status()) << golden.name << ": " << reader.status().error().message;
    EXPECT_EQ(lines, golden.records) << golden.name;
  }
}

TEST(GoldenBatches, AreScannedToTheSameRecordsWithoutTheirContents) {
  for (const GoldenBatch& golden : golden_batches()) {
    if (is_old(golden)) continue;
    const Batch batch = parse_batch(golden.bytes).value();
    const auto plain = decompress(batch.header.attributes.codec(), batch.records()).value();
    RecordReader reader(batch.header, plain);
    RecordScanner scanner(batch, {});
    while (scanner.next()) {
      ASSERT_TRUE(reader.next()) << golden.name;
      const RecordSummary& summary = scanner.record();
      EXPECT_EQ(summary.timestamp_delta, reader.record().timestamp_delta);
      EXPECT_EQ(summary.offset_delta, reader.record().offset_delta);
      EXPECT_EQ(summary.has_key(), reader.record().key.has_value());
      EXPECT_EQ(summary.value_bytes,
                reader.record().value ? static_cast<std::int32_t>(reader.record().value->size()) : -1);
      EXPECT_EQ(summary.header_count, reader.record().header_count);
    }
    EXPECT_TRUE(scanner.status()) << golden.name << ": " << scanner.status().error().message;
    EXPECT_FALSE(reader.next()) << golden.name;
    EXPECT_EQ(scanner.plain_bytes(), plain.size()) << golden.name;
  }
}

TEST(GoldenBatches, AreRebuiltByteForByteWhenTheyAreNotCompressed) {
  for (const GoldenBatch& golden : golden_batches()) {
    if (golden.name != "none-create-time" && golden.name != "none-append-time" && golden.name != "none-transactional")
      continue;
    const Batch batch = parse_batch(golden.bytes).value();
    const BatchHeader& header = batch.header;
    RecordBatchBuilder builder({.base_offset = header.base_offset,
                                .partition_leader_epoch = header.partition_leader_epoch,
                                .timestamp_type = header.attributes.timestamp_type(),
                                .log_append_time = header.max_timestamp,
                                .producer_id = header.producer_id,
                                .producer_epoch = header.producer_epoch,
                                .base_sequence = header.base_sequence,
                                .is_transactional = header.attributes.is_transactional()});
    RecordReader reader(header, batch.records());
    while (reader.next()) {
      const Record& record = reader.record();
      builder.append(header.base_timestamp + record.timestamp_delta, record.key, record.value, record_headers(record));
    }
    EXPECT_EQ(builder.build().value(), golden.bytes) << golden.name;
  }
}

TEST(GoldenBatches, OfTheOldFormatsAreRecognisedAndRefusedAsSuch) {
  int seen = 0;
  for (const GoldenBatch& golden : golden_batches()) {
    if (!is_old(golden)) continue;
    ++seen;
    const auto prefix = parse_batch_prefix(golden.bytes);
    ASSERT_TRUE(prefix) << golden.name << ": " << prefix.error().message;
    EXPECT_EQ(prefix->magic, golden.name.back() - '0') << golden.name;
    const auto batch = parse_batch(golden.bytes);
    ASSERT_FALSE(batch) << golden.name;
    EXPECT_EQ(batch.error().kind, ErrorKind::unsupported) << golden.name;
  }
  EXPECT_GE(seen, 8);
}

}  // namespace
}  // namespace millrace::protocol
