#include "broker/protocol/record_batch_builder.h"

#include <gtest/gtest.h>

#include "broker/protocol/compression.h"
#include "broker/protocol/record.h"
#include "broker/protocol/varint.h"

namespace millrace::protocol {
namespace {

using Bytes = std::vector<std::uint8_t>;

TEST(RecordBatchBuilder, EndsABatchWhereItIsToldToAboveTheLastRecord) {
  RecordBatchBuilder builder({.base_offset = Offset(100), .base_sequence = Sequence(7), .last_offset = Offset(109)});
  builder.append_at(Offset(103), TimestampMs(5), as_bytes("key"), as_bytes("value"));
  const Bytes bytes = builder.build().value();
  const Batch batch = parse_batch(bytes).value();
  EXPECT_EQ(batch.header.base_offset, Offset(100));
  EXPECT_EQ(batch.header.last_offset(), Offset(109));
  EXPECT_EQ(batch.header.last_sequence(), Sequence(16));
  EXPECT_EQ(batch.header.record_count, 1);
}

TEST(RecordBatchBuilder, PutsTheDeleteHorizonWhereTheBaseTimestampIs) {
  RecordBatchBuilder builder({.base_offset = Offset(0), .delete_horizon = TimestampMs(9000)});
  builder.append_at(Offset(0), TimestampMs(1000), as_bytes("a"), std::nullopt);
  builder.append_at(Offset(1), TimestampMs(1500), as_bytes("b"), std::nullopt);
  const Bytes bytes = builder.build().value();
  const Batch batch = parse_batch(bytes).value();
  EXPECT_TRUE(batch.header.attributes.has_delete_horizon());
  EXPECT_EQ(batch.header.base_timestamp, TimestampMs(9000));
  EXPECT_EQ(batch.header.max_timestamp, TimestampMs(1500));
  RecordReader reader(batch.header, batch.records());
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.record().timestamp(batch.header), TimestampMs(1000));
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.record().timestamp(batch.header), TimestampMs(1500));
}

// A record with bits in its attributes, which no client sets today.
TEST(RecordBatchBuilder, CopiesARecordWithItsAttributesAndHeaders) {
  const Bytes headers{2, 'h', 1};  // a header "h" that is null
  const std::string key = "key";
  const Record record{
      .key = as_bytes(key), .value = std::nullopt, .header_count = 1, .encoded_headers = headers, .attributes = 0x40};
  RecordBatchBuilder builder({.base_offset = Offset(10), .codec = Codec::lz4});
  builder.append_copy(Offset(12), TimestampMs(3), record);
  const Bytes bytes = builder.build().value();
  const Batch batch = parse_batch(bytes).value();
  const Bytes plain = decompress(Codec::lz4, batch.records()).value();
  RecordReader reader(batch.header, plain);
  ASSERT_TRUE(reader.next()) << reader.status().error().message;
  EXPECT_EQ(reader.record().attributes, 0x40);
  EXPECT_EQ(reader.record().offset(batch.header), Offset(12));
  EXPECT_EQ(as_text(*reader.record().key), "key");
  EXPECT_FALSE(reader.record().value.has_value());
  ASSERT_EQ(record_headers(reader.record()).size(), 1U);
  EXPECT_EQ(record_headers(reader.record())[0].key, "h");
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.status());
}

TEST(RecordBatchBuilder, LeavesOfAnEmptiedBatchWhatItsProducerNeeds) {
  RecordBatchBuilder builder({.base_offset = Offset(50),
                              .partition_leader_epoch = LeaderEpoch(3),
                              .codec = Codec::zstd,
                              .producer_id = ProducerId(9),
                              .producer_epoch = ProducerEpoch(2),
                              .base_sequence = Sequence(40),
                              .is_transactional = true,
                              .delete_horizon = TimestampMs(77)});
  builder.append(TimestampMs(1000), as_bytes("a"), as_bytes("1"));
  builder.append(TimestampMs(2000), as_bytes("b"), as_bytes("2"));
  const Bytes full = builder.build().value();
  const Bytes bytes = empty_batch_of(parse_batch(full).value().header);
  const Batch batch = parse_batch(bytes).value();
  EXPECT_EQ(bytes.size(), batch_header_bytes);
  EXPECT_TRUE(check_batch_crc(batch));
  EXPECT_EQ(batch.header.base_offset, Offset(50));
  EXPECT_EQ(batch.header.last_offset(), Offset(51));
  EXPECT_EQ(batch.header.last_sequence(), Sequence(41));
  EXPECT_EQ(batch.header.partition_leader_epoch, LeaderEpoch(3));
  EXPECT_EQ(batch.header.attributes.bits(), 0x10);
  EXPECT_EQ(batch.header.base_timestamp, TimestampMs::none());
  EXPECT_EQ(batch.header.max_timestamp, TimestampMs(2000));
  EXPECT_EQ(batch.header.record_count, 0);
}

}  // namespace
}  // namespace millrace::protocol
