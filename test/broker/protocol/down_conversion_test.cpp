// Batches as clients of the old formats are sent them, compared with what Kafka's classes send.
#include "broker/protocol/down_conversion.h"

#include <gtest/gtest.h>

#include <sstream>

#include "broker/protocol/compression.h"
#include "broker/protocol/legacy_message.h"
#include "broker/protocol/record_batch_builder.h"
#include "test/broker/protocol/golden_file.h"

namespace millrace::protocol {
namespace {

using Bytes = std::vector<std::uint8_t>;

ConversionBoundsPointer bounds_of(std::uint64_t memory_bytes = 1 << 20) {
  return std::make_shared<ConversionBounds>(ConversionBounds::Settings{{}, memory_bytes});
}

std::string text(BytesView bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) text += "0123456789abcdef"[byte >> 4], text += "0123456789abcdef"[byte & 15];
  return text;
}

// One line for each message, with what is inside compressed ones; what follows them, by its size. The compressors of
// two libraries need not give the same bytes, so that there neither sizes nor checksums are shown.
std::string described(BytesView bytes, bool inside = false) {
  std::ostringstream out;
  LegacyMessageReader messages(bytes);
  std::size_t used = 0;
  bool compressed = inside;
  while (messages.next().value_or(false)) {
    const auto& message = messages.message();
    EXPECT_TRUE(check_legacy_crc(message));
    used += message.bytes.size();
    out << message.offset.value() << " magic " << int{message.magic} << " attributes " << message.attributes.bits()
        << " time " << message.timestamp.value() << " key " << (message.key ? text(*message.key) : "null");
    if (message.is_compressed()) {
      compressed = true;
      auto plain = decompress(message.attributes.codec(), message.value.value(), {},
                              message.magic == 0 ? Framing::magic_0 : Framing::standard);
      EXPECT_TRUE(plain);
      if (plain) out << " [\n" << described(*plain, true) << "]\n";
    } else {
      out << " value " << (message.value ? text(*message.value) : "null") << "\n";
    }
  }
  if (!compressed) out << "then " << text(bytes.subspan(used)) << "\n";
  return out.str();
}

std::string messages_of(BytesView bytes) {
  const auto all = described(bytes);
  return all.substr(0, all.rfind("then "));
}

TEST(DownConversion, SendsWhatKafkaSends) {
  std::size_t count = 0;
  for (const std::string& line : test::golden_lines("formats.txt")) {
    std::istringstream words(line);
    std::string kind;
    std::string name;
    std::string input;
    std::string output;
    int magic = 0;
    std::int64_t from = 0;
    words >> kind;
    if (kind != "down") continue;
    words >> name >> magic >> from >> input >> output;
    ++count;
    SCOPED_TRACE(name + " to magic " + std::to_string(magic) + " from " + std::to_string(from));
    ConversionCharge charge(bounds_of());
    auto converted = convert_down(test::from_hex(input), static_cast<std::int8_t>(magic), Offset(from), charge);
    if (output.front() == '!') {
      EXPECT_EQ(output, "!UnsupportedCompressionTypeException");
      ASSERT_FALSE(converted);
      EXPECT_EQ(converted.error().kind, ErrorKind::unsupported);
      continue;
    }
    ASSERT_TRUE(converted) << converted.error().message;
    EXPECT_EQ(charge.bytes(), converted->size());
    const auto expected = test::from_hex(output == "-" ? "" : output);
    if (name == "marker-and-records") {
      // Behind a batch that has no place in the old formats Kafka sends the next one twice, with the same offsets.
      const auto ours = messages_of(*converted);
      EXPECT_EQ(ours + ours, messages_of(expected));
      continue;
    }
    EXPECT_EQ(described(*converted), described(expected));
    if (name.find("none") == 0) EXPECT_EQ(text(*converted), text(expected));
  }
  EXPECT_GT(count, 50U);
}

Bytes batch_of(std::size_t records, Codec codec, std::size_t value_bytes) {
  RecordBatchBuilder builder({.codec = codec});
  const std::string value(value_bytes, 'x');
  for (std::size_t number = 0; number < records; ++number)
    builder.append(TimestampMs(7), std::nullopt, as_bytes(value));
  return builder.build().value();
}

TEST(DownConversion, GivesMemoryBackWhenItIsRefused) {
  const auto bounds = bounds_of(4096);
  for (const Codec codec : {Codec::none, Codec::gzip}) {
    const auto batch = batch_of(10, codec, 1000);
    {
      ConversionCharge charge(bounds);
      auto converted = convert_down(batch, 1, Offset(0), charge);
      ASSERT_FALSE(converted);
      EXPECT_EQ(converted.error().kind, ErrorKind::resource_exhausted);
    }
    EXPECT_EQ(bounds->used_bytes(), 0U);
  }
}

TEST(DownConversion, SaysThatOthersHaveTheMemoryWhenTheyHave) {
  const auto bounds = bounds_of(1 << 20);
  ConversionCharge others(bounds);
  ASSERT_TRUE(others.add((1 << 20) - 100));
  ConversionCharge charge(bounds);
  auto converted = convert_down(batch_of(1, Codec::none, 1000), 1, Offset(0), charge);
  ASSERT_FALSE(converted);
  EXPECT_EQ(converted.error().kind, ErrorKind::unavailable);
}

TEST(DownConversion, OfManyRecordsStopsAtTheSizeOfTheRecords) {
  Bytes records;
  for (int number = 0; number < 5; ++number) {
    auto batch = batch_of(100, Codec::none, 1);  // each grows to several times its size
    set_base_offset(batch, Offset(number * 100));
    records.insert(records.end(), batch.begin(), batch.end());
  }
  ConversionCharge charge(bounds_of());
  auto converted = convert_down(records, 1, Offset(0), charge);
  ASSERT_TRUE(converted);
  EXPECT_EQ(converted->size(), std::max(records.size(), std::size_t{100 * 35}));
}

}  // namespace
}  // namespace millrace::protocol
