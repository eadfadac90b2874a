#include "broker/protocol/record_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "broker/protocol/record.h"
#include "broker/protocol/record_batch_builder.h"
#include "broker/protocol/varint.h"

namespace millrace::protocol {
namespace {

using testing::HasSubstr;
using Bytes8 = std::vector<std::uint8_t>;

Bytes8 batch_of(int records, Offset base_offset = Offset(10)) {
  RecordBatchBuilder builder({.base_offset = base_offset});
  for (int index = 0; index < records; ++index) {
    builder.append(TimestampMs(1000 + index), as_bytes("key"), as_bytes("value"));
  }
  return builder.build().value();
}

TEST(RecordBatch, KeepsItsChecksumWhenTheBrokerSetsOffsetAndEpoch) {
  Bytes8 bytes = batch_of(3);
  set_base_offset(bytes, Offset(77));
  set_partition_leader_epoch(bytes, LeaderEpoch(4));
  const Batch batch = parse_batch(bytes).value();
  EXPECT_EQ(batch.header.base_offset, Offset(77));
  EXPECT_EQ(batch.header.last_offset(), Offset(79));
  EXPECT_EQ(batch.header.partition_leader_epoch, LeaderEpoch(4));
  EXPECT_TRUE(check_batch_crc(batch));
}

TEST(RecordBatch, GetsANewChecksumWhenTheBrokerSetsTheTime) {
  Bytes8 bytes = batch_of(3);
  set_max_timestamp(bytes, TimestampType::log_append_time, TimestampMs(5));
  const Batch batch = parse_batch(bytes).value();
  EXPECT_EQ(batch.header.max_timestamp, TimestampMs(5));
  EXPECT_EQ(batch.header.attributes.timestamp_type(), TimestampType::log_append_time);
  EXPECT_TRUE(check_batch_crc(batch));
  RecordReader reader(batch.header, batch.records());
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.record().timestamp(batch.header), TimestampMs(5));
}

TEST(RecordBatch, GetsANewChecksumWhenItsProducerIsSet) {
  Bytes8 bytes = batch_of(3);
  set_producer_state(bytes, ProducerId(9), ProducerEpoch(2), Sequence(std::numeric_limits<std::int32_t>::max()), true);
  const Batch batch = parse_batch(bytes).value();
  EXPECT_TRUE(check_batch_crc(batch));
  EXPECT_TRUE(batch.header.attributes.is_transactional());
  EXPECT_EQ(batch.header.last_sequence(), Sequence(1)) << "sequences go on from 0 after the highest";
}

TEST(RecordBatch, WithOneChangedBitFailsItsChecksum) {
  const Bytes8 sound = batch_of(2);
  for (std::size_t at = 21; at < sound.size(); ++at) {
    Bytes8 bytes = sound;
    bytes[at] ^= 1;
    const auto batch = parse_batch(bytes);
    if (batch) EXPECT_FALSE(check_batch_crc(*batch)) << at;
  }
}

TEST(RecordBatch, CutAnywhereIsTruncated) {
  const Bytes8 bytes = batch_of(2);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const auto batch = parse_batch(BytesView(bytes).first(length));
    ASSERT_FALSE(batch) << length;
    EXPECT_EQ(batch.error().kind, ErrorKind::truncated) << length;
  }
}

template <class T>
std::string refusal(std::size_t at, T value) {
  Bytes8 bytes = batch_of(1);
  store_big_endian(bytes.data() + at, value);
  const auto batch = parse_batch(bytes);
  return batch ? "no error" : batch.error().message;
}

TEST(RecordBatch, WithAnImpossibleHeaderIsRefusedWithItsOffset) {
  EXPECT_EQ(refusal<std::int32_t>(8, 48), "batch at offset 10 says it is 48 bytes long; the least is 49");
  EXPECT_THAT(refusal<std::int32_t>(8, -1), HasSubstr("says it is -1 bytes long"));
  EXPECT_THAT(refusal<std::int32_t>(8, std::numeric_limits<std::int32_t>::max()),
              HasSubstr("2147483659 bytes long and"));
  EXPECT_THAT(refusal<std::int8_t>(16, 3), HasSubstr("has magic 3"));
  EXPECT_THAT(refusal<std::int8_t>(16, -1), HasSubstr("has magic -1"));
  EXPECT_THAT(refusal<std::int8_t>(16, 1), HasSubstr("the old message format, magic 1"));
  EXPECT_THAT(refusal<std::int16_t>(21, 7), HasSubstr("unknown codec 7"));
  EXPECT_THAT(refusal<std::int32_t>(23, -5), HasSubstr("last offset delta -5 is negative"));
  EXPECT_THAT(refusal<std::int32_t>(57, -2), HasSubstr("record count -2 is negative"));
}

TEST(RecordBatch, WithAnOffsetAtTheEndOfTheirRangeDoesNotOverflow) {
  Bytes8 bytes = batch_of(3);
  set_base_offset(bytes, Offset(std::numeric_limits<std::int64_t>::max() - 1));
  EXPECT_EQ(parse_batch_header(bytes).value().next_offset(), Offset(std::numeric_limits<std::int64_t>::min() + 1));
}

TEST(RecordBatchBuilder, KeepsTimesThatAreFurtherApartThanANumberReaches) {
  const TimestampMs times[] = {TimestampMs(-1), TimestampMs(std::numeric_limits<std::int64_t>::max()),
                               TimestampMs(std::numeric_limits<std::int64_t>::min())};
  RecordBatchBuilder builder({});
  for (auto time : times) builder.append(time, std::nullopt, std::nullopt);
  const Bytes8 bytes = builder.build().value();
  const Batch batch = parse_batch(bytes).value();
  RecordReader records(batch.header, batch.records());
  for (auto time : times) {
    ASSERT_TRUE(records.next());
    EXPECT_EQ(records.record().timestamp(batch.header), time);
  }
}

TEST(BatchReader, StepsOverWholeBatchesAndLeavesATornTail) {
  Bytes8 bytes = batch_of(2, Offset(0));
  const Bytes8 second = batch_of(1, Offset(2));
  const std::size_t first_size = bytes.size();
  bytes.insert(bytes.end(), second.begin(), second.end());
  bytes.insert(bytes.end(), second.begin(), second.begin() + 40);
  BatchReader reader(bytes);
  ASSERT_TRUE(reader.next().value());
  EXPECT_EQ(reader.position(), 0U);
  EXPECT_EQ(reader.batch().header.base_offset, Offset(0));
  ASSERT_TRUE(reader.next().value());
  EXPECT_EQ(reader.position(), first_size);
  EXPECT_EQ(reader.batch().header.base_offset, Offset(2));
  EXPECT_FALSE(reader.next().value());
  EXPECT_EQ(reader.torn_bytes(), 40U);
}

TEST(BatchReader, StopsAtABatchThatIsNone) {
  Bytes8 bytes = batch_of(2, Offset(0));
  bytes.resize(bytes.size() + 100);
  BatchReader reader(bytes);
  ASSERT_TRUE(reader.next().value());
  const auto end = reader.next();
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().kind, ErrorKind::corrupt);
}

std::string records_refusal(BytesView records, std::int32_t count) {
  BatchHeader header;
  header.record_count = count;
  RecordReader reader(header, records);
  while (reader.next()) {
  }
  return reader.status() ? "no error" : reader.status().error().message;
}

TEST(RecordReader, RefusesRecordsThatDoNotFillTheirLengths) {
  const Bytes8 sound{2 * 6, 0, 0, 0, 1, 1, 0};  // length 6: attributes, two deltas, null key, null value, no headers
  EXPECT_EQ(records_refusal(sound, 1), "no error");
  EXPECT_THAT(records_refusal(sound, 2), HasSubstr("record 1 of 2: its length exceeds the batch"));
  EXPECT_THAT(records_refusal(sound, 0), HasSubstr("bytes are left over after the last record"));
  EXPECT_THAT(records_refusal(Bytes8{2 * 7, 0, 0, 0, 1, 1, 0, 9}, 1), HasSubstr("headers do not fill"));
  EXPECT_THAT(records_refusal(Bytes8{2 * 5, 0, 0, 0, 1, 1}, 1), HasSubstr("exceed its length"));
  EXPECT_THAT(records_refusal(Bytes8{2 * 6, 0, 0, 0, 1, 1, 1}, 1), HasSubstr("exceed its length"));  // -1 headers
  EXPECT_THAT(records_refusal(Bytes8{2 * 6, 0, 0, 0, 3, 1, 0}, 1),
              HasSubstr("exceed its length"));  // a key of -2 bytes
  EXPECT_THAT(records_refusal(Bytes8{2 * 6, 0, 0, 0, 1, 2 * 50, 0}, 1), HasSubstr("exceed its length"));
  EXPECT_THAT(records_refusal(Bytes8{2 * 8, 0, 0, 0, 1, 1, 2, 1, 1}, 1),
              HasSubstr("headers do not fill"));  // a null header key
  EXPECT_THAT(records_refusal(Bytes8{0x80, 0x80, 0x80, 0x80, 0x80, 0}, 1), HasSubstr("its length exceeds"));
  EXPECT_THAT(records_refusal(Bytes8{1}, 1), HasSubstr("its length exceeds"));
}

TEST(Varint, WritesWhatItSays) {
  for (const std::int64_t value :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{63}, std::int64_t{-64}, std::int64_t{64}, std::int64_t{300},
        std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
    Bytes8 bytes;
    append_varint(bytes, value);
    EXPECT_EQ(bytes.size(), varint_size(value)) << value;
    EXPECT_EQ(from_zigzag(to_zigzag(value)), value);
  }
}

}  // namespace
}  // namespace millrace::protocol
