// Message sets of the old formats, as old producers send them, and the batches that a log makes of them, compared with
// those of Kafka.
#include <gtest/gtest.h>

#include <sstream>

#include "broker/protocol/legacy_message.h"
#include "test/broker/log/log_world.h"
#include "test/broker/protocol/golden_file.h"

namespace millrace::log::test {
namespace {

using protocol::Codec;
using protocol::Framing;

constexpr TimestampMs noon{1'700'000'000'000};  // the clock of a ManualShard

std::optional<Codec> codec_of(const std::string& topic) {
  if (topic == "producer") return std::nullopt;
  return topic == "lz4" ? Codec::lz4 : Codec::none;
}

// All that must be the same where the compressors of two libraries differ.
void expect_same_batch(BytesView found_bytes, BytesView expected_bytes) {
  auto found = protocol::parse_batch(found_bytes).value();
  auto expected = protocol::parse_batch(expected_bytes).value();
  EXPECT_TRUE(protocol::check_batch_crc(found));
  ASSERT_EQ(found.bytes.size(), found_bytes.size());
  const auto codec = expected.header.attributes.codec();
  if (codec == Codec::none) {
    EXPECT_EQ(Bytes(found_bytes.begin(), found_bytes.end()), Bytes(expected_bytes.begin(), expected_bytes.end()));
    return;
  }
  EXPECT_EQ(protocol::decompress(codec, found.records()).value(),
            protocol::decompress(codec, expected.records()).value());
  Bytes header(found_bytes.begin(), found_bytes.begin() + protocol::batch_header_bytes);
  Bytes expected_header(expected_bytes.begin(), expected_bytes.begin() + protocol::batch_header_bytes);
  for (std::size_t at : {8, 9, 10, 11, 17, 18, 19, 20}) header[at] = expected_header[at] = 0;  // length and CRC
  EXPECT_EQ(header, expected_header);
}

TEST(LegacyAppends, StoreWhatKafkaStores) {
  std::size_t stored = 0;
  std::size_t refused = 0;
  for (const std::string& line : protocol::test::golden_lines("formats.txt")) {
    std::istringstream words(line);
    std::string kind;
    std::string name;
    std::string topic;
    std::string type;
    std::string input;
    std::string output;
    words >> kind >> name >> topic >> type >> input >> output;
    if (kind != "up") continue;
    SCOPED_TRACE(name + " to a topic with compression.type=" + topic + ", " + type);
    LogConfig config;
    config.compression = codec_of(topic);
    if (type == "LogAppendTime") config.message_timestamp_type = TimestampType::log_append_time;
    LogWorld world(config);
    world.leader_epoch = LeaderEpoch(7);
    ASSERT_TRUE(world.start());
    auto outcome = world.append(protocol::test::from_hex(input));
    EXPECT_EQ(world.options.conversions->used_bytes(), 0U);
    if (output.front() == '!') {
      ASSERT_FALSE(outcome);
      EXPECT_EQ(outcome.error().kind, output == "!RecordValidationException" ? AppendErrorKind::invalid_timestamp
                                                                             : AppendErrorKind::invalid_record)
          << outcome.error().message;
      EXPECT_EQ(world.log()->log_end_offset(), Offset(0));
      ++refused;
      continue;
    }
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_EQ(outcome->log_append_time, type == "LogAppendTime" ? noon : TimestampMs::none());
    EXPECT_EQ(outcome->base_offset, Offset(0));
    EXPECT_EQ(world.log()->log_end_offset(), outcome->last_offset + 1);
    expect_same_batch(file_bytes(world.partition_path() + "/00000000000000000000.log"),
                      protocol::test::from_hex(output));
    ++stored;
  }
  EXPECT_GT(stored, 100U);
  EXPECT_GT(refused, 20U);
}

struct MessageSpec {
  std::string value = "value";
  std::int8_t magic = 1;
  bool keyed = true;
  TimestampMs timestamp = noon;
  Offset offset{0};
};

Bytes message(const MessageSpec& spec) {
  Bytes bytes;
  std::optional<BytesView> key;
  if (spec.keyed) key = as_bytes("key");
  protocol::append_legacy_message(bytes, {spec.offset, spec.magic, {}, spec.timestamp, key, as_bytes(spec.value)});
  return bytes;
}

Bytes wrapped(BytesView inner, Codec codec, std::int8_t magic = 1, Offset offset = Offset(0)) {
  const auto packed =
      protocol::compress(codec, inner, std::nullopt, magic == 0 ? Framing::magic_0 : Framing::standard).value();
  protocol::BatchAttributes attributes;
  attributes.set_codec(codec);
  Bytes bytes;
  protocol::append_legacy_message(bytes, {offset, magic, attributes, noon, std::nullopt, BytesView(packed)});
  return bytes;
}

std::optional<AppendErrorKind> refusal(LogWorld& world, Bytes bytes) {
  auto outcome = world.append(std::move(bytes));
  EXPECT_EQ(world.options.conversions->used_bytes(), 0U);
  return outcome ? std::nullopt : std::optional(outcome.error().kind);
}

TEST(LegacyAppends, AreRefusedWhenAnyChecksumIsWrong) {
  LogWorld world;
  ASSERT_TRUE(world.start());
  auto bad = message({});
  bad.back() ^= 1;
  EXPECT_EQ(refusal(world, bad), AppendErrorKind::corrupt_batch);
  EXPECT_EQ(refusal(world, joined({message({}), bad})), AppendErrorKind::corrupt_batch);
  EXPECT_EQ(refusal(world, wrapped(bad, Codec::gzip)), AppendErrorKind::corrupt_batch);
  EXPECT_EQ(world.log()->log_end_offset(), Offset(0));
}

TEST(LegacyAppends, AreRefusedWhenWhatIsInsideIsNotAsOutside) {
  LogWorld world;
  ASSERT_TRUE(world.start());
  EXPECT_EQ(refusal(world, wrapped(message({.magic = 0}), Codec::gzip)), AppendErrorKind::invalid_record);
  EXPECT_EQ(refusal(world, wrapped(wrapped(message({}), Codec::gzip), Codec::gzip)), AppendErrorKind::invalid_record);
  EXPECT_EQ(refusal(world, wrapped({}, Codec::gzip)), AppendErrorKind::invalid_record);
  const auto batch = make_batch({.values = {"a"}});
  EXPECT_EQ(refusal(world, joined({message({}), batch})), AppendErrorKind::invalid_record);
  auto bad = batch;
  bad.back() ^= 1;
  EXPECT_EQ(refusal(world, joined({message({}), bad})), AppendErrorKind::corrupt_batch);
}

TEST(LegacyAppends, KeepTheRulesOfTheTopic) {
  LogConfig config;
  config.compacted = true;
  config.message_timestamp_before_max_ms = 1000;
  config.max_message_bytes = 200;
  LogWorld world(config);
  ASSERT_TRUE(world.start());
  EXPECT_EQ(refusal(world, message({.keyed = false})), AppendErrorKind::invalid_record);
  EXPECT_EQ(refusal(world, wrapped(message({.keyed = false}), Codec::lz4)), AppendErrorKind::invalid_record);
  EXPECT_EQ(refusal(world, message({.timestamp = noon - 2000})), AppendErrorKind::invalid_timestamp);
  EXPECT_EQ(refusal(world, message({.timestamp = TimestampMs(-7)})), AppendErrorKind::invalid_timestamp);
  EXPECT_EQ(refusal(world, message({.value = std::string(300, 'x')})), AppendErrorKind::batch_too_large);
  // Each is small enough, but not the batch that they would become.
  const auto some = message({.value = std::string(100, 'x')});
  EXPECT_EQ(refusal(world, joined({some, some})), AppendErrorKind::batch_too_large);
  EXPECT_EQ(refusal(world, some), std::nullopt);
}

TEST(LegacyAppends, OfABombAreRefusedAndLeaveNoMemoryTaken) {
  LogWorld world;
  world.options.conversions = std::make_shared<protocol::ConversionBounds>(
      protocol::ConversionBounds::Settings{{.always_allowed_bytes = 1 << 20}, 1 << 20});
  ASSERT_TRUE(world.start());
  const Bytes zeroes(8 << 20);
  for (Codec codec : {Codec::gzip, Codec::lz4}) {
    EXPECT_EQ(refusal(world, wrapped(zeroes, codec)), AppendErrorKind::batch_too_large) << to_string(codec);
  }
  EXPECT_EQ(world.options.conversions->refusals(), 2U);
  // Snappy shrinks to a twentieth only.
  EXPECT_EQ(refusal(world, wrapped(Bytes(4 << 20), Codec::snappy)), AppendErrorKind::batch_too_large);
}

TEST(LegacyAppends, WaitForNobodyWhileOthersHaveTheMemory) {
  LogWorld world;
  ASSERT_TRUE(world.start());
  protocol::ConversionCharge others(world.options.conversions);
  ASSERT_TRUE(others.add(std::uint64_t{128} << 20));
  auto outcome = world.append(wrapped(message({}), Codec::gzip));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, AppendErrorKind::no_memory);
}

TEST(LegacyAppends, SurviveEveryChangeOfOneByte) {
  LogWorld world;
  ASSERT_TRUE(world.start());
  const auto inner = joined({message({}), message({.value = "other", .keyed = false, .offset = Offset(1)})});
  for (std::int8_t magic : {0, 1}) {
    for (const auto& good : {message({.magic = magic}), wrapped(inner, Codec::lz4, magic, Offset(1))}) {
      for (std::size_t at = 8; at < good.size(); ++at) {
        auto bad = good;
        bad[at] ^= 0x41;
        // Past the checksum too, which is set right again.
        if (at >= 16) store_big_endian(bad.data() + 12, protocol::compute_legacy_crc(bad));
        static_cast<void>(world.append(bad));
      }
      for (std::size_t size = 0; size < good.size(); ++size)
        EXPECT_FALSE(world.append(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)))) << size;
    }
  }
}

}  // namespace
}  // namespace millrace::log::test
