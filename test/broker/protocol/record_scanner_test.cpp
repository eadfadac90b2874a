#include "broker/protocol/record_scanner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/protocol/record_batch_builder.h"

namespace millrace::protocol {
namespace {

using testing::HasSubstr;

constexpr Codec codecs[] = {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd};

std::vector<std::uint8_t> batch_of(Codec codec, int records, std::size_t value_bytes) {
  RecordBatchBuilder builder({.codec = codec});
  const std::vector<std::uint8_t> value(value_bytes, 'v');
  const std::vector<RecordHeader> headers{{"name", as_bytes("some header value")}, {"none", std::nullopt}};
  for (int index = 0; index < records; ++index) {
    builder.append(TimestampMs(index * 3), index % 2 == 0 ? std::optional(as_bytes("key")) : std::nullopt, value,
                   headers);
  }
  return builder.build().value();
}

TEST(RecordScanner, FindsEveryRecordAcrossTheEdgesOfItsWindow) {
  for (const Codec codec : codecs) {
    for (const std::size_t value_bytes : {std::size_t{1}, std::size_t{997}, std::size_t{100000}}) {
      const auto bytes = batch_of(codec, 100, value_bytes);
      const Batch batch = parse_batch(bytes).value();
      RecordScanner scanner(batch, {});
      int count = 0;
      for (; scanner.next(); ++count) {
        EXPECT_EQ(scanner.record().index, count);
        EXPECT_EQ(scanner.record().offset_delta, count);
        EXPECT_EQ(scanner.record().timestamp_delta, count * 3);
        EXPECT_EQ(scanner.record().has_key(), count % 2 == 0);
        EXPECT_EQ(scanner.record().value_bytes, static_cast<std::int32_t>(value_bytes));
        EXPECT_EQ(scanner.record().header_count, 2);
      }
      EXPECT_TRUE(scanner.status()) << to_string(codec) << ": " << scanner.status().error().message;
      EXPECT_EQ(count, 100) << to_string(codec);
      EXPECT_FALSE(scanner.next());
    }
  }
}

TEST(RecordScanner, FindsRecordsWithoutHeadersKeyOrValueBetweenOthers) {
  for (const Codec codec : codecs) {
    RecordBatchBuilder builder({.codec = codec});
    const std::vector<std::uint8_t> value(200, 'v');
    const std::vector<RecordHeader> headers{{"name", std::nullopt}};
    builder.append(TimestampMs(1'700'000'000'000), std::nullopt, std::nullopt);
    builder.append(TimestampMs(1'600'000'000'000), as_bytes("key"), value);
    builder.append(TimestampMs(1'800'000'000'000), as_bytes("key"), value, headers);
    builder.append(TimestampMs(1'700'000'000'000), std::nullopt, value);
    const auto bytes = builder.build().value();
    const Batch batch = parse_batch(bytes).value();
    const auto plain = decompress(codec, batch.records()).value();
    RecordReader reader(batch.header, plain);
    RecordScanner scanner(batch, {});
    while (scanner.next()) {
      ASSERT_TRUE(reader.next());
      const auto& record = scanner.record();
      EXPECT_EQ(record.timestamp_delta, reader.record().timestamp_delta);
      EXPECT_EQ(record.offset_delta, reader.record().offset_delta);
      EXPECT_EQ(record.key_bytes, reader.record().key ? static_cast<std::int32_t>(reader.record().key->size()) : -1);
      EXPECT_EQ(record.value_bytes,
                reader.record().value ? static_cast<std::int32_t>(reader.record().value->size()) : -1);
      EXPECT_EQ(record.header_count, reader.record().header_count);
    }
    EXPECT_TRUE(scanner.status()) << scanner.status().error().message;
    EXPECT_FALSE(reader.next());
    EXPECT_EQ(scanner.plain_bytes(), plain.size());
  }
}

std::string scan(BytesView bytes, const DecompressionLimits& limits = {}) {
  const Batch batch = parse_batch(bytes).value();
  RecordScanner scanner(batch, limits);
  while (scanner.next()) {
  }
  return scanner.status() ? "no error" : scanner.status().error().message;
}

TEST(RecordScanner, RefusesABatchThatHoldsMoreOrFewerRecordsThanItSays) {
  for (const Codec codec : codecs) {
    auto bytes = batch_of(codec, 10, 50);
    store_big_endian<std::int32_t>(bytes.data() + 57, 11);
    EXPECT_THAT(scan(bytes), HasSubstr("record 10 of 11: its fields do not fill its length")) << to_string(codec);
    store_big_endian<std::int32_t>(bytes.data() + 57, 9);
    EXPECT_THAT(scan(bytes), HasSubstr("bytes are left over after the last record")) << to_string(codec);
    store_big_endian<std::int32_t>(bytes.data() + 57, 0);
    EXPECT_THAT(scan(bytes), HasSubstr("bytes are left over after the last record")) << to_string(codec);
  }
}

TEST(RecordScanner, RefusesABombWithTheBatchsOffset) {
  for (const Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    const auto bytes = batch_of(codec, 1, std::size_t{4} << 20);
    EXPECT_THAT(scan(bytes, {.output_limit_bytes = 1 << 20}),
                HasSubstr("batch at offset 0: the " + std::string(to_string(codec)) + " stream expands beyond"));
  }
}

TEST(RecordScanner, RefusesAStreamThatIsDamaged) {
  for (const Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    auto bytes = batch_of(codec, 10, 50);
    for (std::size_t at = batch_header_bytes; at < batch_header_bytes + 4; ++at) bytes[at] = 0xff;
    EXPECT_NE(scan(bytes), "no error") << to_string(codec);
  }
}

TEST(RecordScanner, TakesABatchThatCompactionEmptied) {
  auto bytes = batch_of(Codec::none, 0, 0);
  EXPECT_EQ(scan(bytes), "no error");
}

}  // namespace
}  // namespace millrace::protocol
