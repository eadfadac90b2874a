// What a producer sends as records, of every format, on its way into a log and out again to clients of every age:
// checked, converted to the stored format, given offsets, converted down. What is taken is a sound batch; what goes
// out are sound messages; memory that was charged is paid back.
//
// Input: the topic's settings, form, then
//   0  a batch or message set, whose lengths and outer checksums are mended, or nothing would pass them
//   1  fields of messages, which make a message set of format 0 or 1, compressed or not
#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "broker/log/record_validator.h"
#include "broker/protocol/compression.h"
#include "broker/protocol/down_conversion.h"
#include "broker/protocol/legacy_message.h"
#include "broker/protocol/record.h"
#include "test/fuzz/fuzz_input.h"

namespace millrace::log {
namespace {

using fuzz::FuzzInput;
using fuzz::require;
using protocol::Codec;
using protocol::ConversionBounds;
using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t legacy_crc_position = 12;
constexpr std::size_t size_position = 8;
constexpr std::size_t batch_crc_position = 17;

std::shared_ptr<ConversionBounds> make_bounds() {
  ConversionBounds::Settings settings;
  settings.decompression.output_limit_bytes = std::uint64_t{1} << 20;
  settings.decompression.always_allowed_bytes = std::uint64_t{1} << 18;
  settings.decompression.block_limit_bytes = std::uint64_t{1} << 20;
  settings.decompression.zstd_window_log_limit = 20;
  settings.memory_bytes = std::uint64_t{4} << 20;
  return std::make_shared<ConversionBounds>(settings);
}

LogConfig config_from(FuzzInput& input) {
  LogConfig config;
  if (const auto codec = input.below(6); codec < 5) config.compression = static_cast<Codec>(codec);
  const auto flags = input.byte();
  if ((flags & 1) != 0) config.message_timestamp_type = TimestampType::log_append_time;
  config.compacted = (flags & 2) != 0;
  if ((flags & 4) != 0) config.message_timestamp_before_max_ms = 1000;
  if ((flags & 8) != 0) config.max_message_bytes = 200;
  return config;
}

void mend_batch(Bytes& batch) {
  if (batch.size() < protocol::batch_header_bytes) return;
  store_big_endian(batch.data() + size_position, static_cast<std::int32_t>(batch.size() - 12));
  std::fill_n(batch.begin(), 8, std::uint8_t{0});
  store_big_endian(batch.data() + batch_crc_position, protocol::compute_batch_crc(batch));
}

void mend_messages(MutableBytes set) {
  while (set.size() > batch_crc_position) {
    auto size = load_big_endian<std::int32_t>(set.data() + size_position);
    // The last one takes what is left.
    if (size < 6 || static_cast<std::size_t>(size) > set.size() - 12) {
      size = static_cast<std::int32_t>(set.size() - 12);
      store_big_endian(set.data() + size_position, size);
    }
    const auto message = set.first(static_cast<std::size_t>(size) + 12);
    store_big_endian(message.data() + legacy_crc_position, protocol::compute_legacy_crc(message));
    set = set.subspan(message.size());
  }
}

Bytes mended(BytesView raw) {
  Bytes records(raw.begin(), raw.end());
  if (records.size() <= protocol::batch_magic_position) return records;
  if (records[protocol::batch_magic_position] >= protocol::current_magic) {
    mend_batch(records);
  } else {
    mend_messages(records);
  }
  return records;
}

std::optional<BytesView> maybe_bytes(FuzzInput& input) {
  const auto length = input.byte();
  return length >= 0xf0 ? std::optional<BytesView>() : input.bytes(length % 24);
}

Bytes message_set(FuzzInput& input) {
  const auto magic = static_cast<std::int8_t>(input.below(2));
  const auto codec = static_cast<Codec>(input.below(4));
  const auto odd = input.byte();  // what no honest client does
  Bytes plain;
  Offset last{};
  for (std::size_t count = input.below(6); count > 0; --count) {
    protocol::LegacyFields fields;
    fields.magic = odd == 1 && count == 1 ? static_cast<std::int8_t>(1 - magic) : magic;
    fields.offset = last = Offset(odd == 2 ? input.integer<std::uint64_t>() : static_cast<std::int64_t>(count));
    fields.timestamp = TimestampMs(static_cast<std::int64_t>(input.integer<std::uint64_t>()));
    if (odd == 3) fields.attributes.set_codec(Codec::gzip);
    fields.key = maybe_bytes(input);
    fields.value = maybe_bytes(input);
    protocol::append_legacy_message(plain, fields);
  }
  if (codec == Codec::none) return plain;
  const auto framing = magic == 0 ? protocol::Framing::magic_0 : protocol::Framing::standard;
  const auto packed = protocol::compress(codec, plain, std::nullopt, framing).value();
  protocol::LegacyFields wrapper;
  wrapper.magic = magic;
  wrapper.offset = odd == 4 ? Offset(1) : last;
  wrapper.attributes.set_codec(codec);
  if (odd == 5) wrapper.attributes.set_timestamp_type(protocol::TimestampType::log_append_time);
  wrapper.timestamp = TimestampMs(static_cast<std::int64_t>(input.integer<std::uint64_t>()));
  wrapper.value = BytesView(packed);
  Bytes set;
  protocol::append_legacy_message(set, wrapper);
  return set;
}

void check_stored(BytesView bytes, const ConversionBounds& bounds) {
  const auto batch = protocol::parse_batch(bytes);
  require(batch.has_value() && batch->bytes.size() == bytes.size(), "what is stored is no batch");
  require(protocol::check_batch_crc(*batch).has_value(), "what is stored has a wrong checksum");
  const auto plain = protocol::decompress(batch->header.attributes.codec(), batch->records(), bounds.decompression());
  // What was converted may be larger than what a client may send; it is sound all the same.
  if (!plain) return require(plain.error().kind == ErrorKind::resource_exhausted, plain.error().message);
  protocol::RecordReader records(batch->header, *plain);
  std::int32_t count = 0;
  while (records.next()) ++count;
  require(records.status().has_value(), "what is stored has broken records");
  require(count == batch->header.record_count, "what is stored has another number of records");
}

void check_down(BytesView stored, std::int8_t magic, Offset from, const std::shared_ptr<ConversionBounds>& bounds) {
  protocol::ConversionCharge charge(bounds);
  const auto old = protocol::convert_down(stored, magic, from, charge);
  if (!old) return;
  require(charge.bytes() >= old->size(), "an answer that is not paid for");
  protocol::LegacyMessageReader messages(*old);
  for (;;) {
    const auto more = messages.next();
    require(more.has_value(), "an old client gets what is no message");
    if (!*more) break;
    require(messages.message().magic == magic, "an old client gets another format");
    require(protocol::check_legacy_crc(messages.message()).has_value(), "an old client gets a wrong checksum");
  }
}

void run(BytesView bytes) {
  FuzzInput input(bytes);
  const auto config = config_from(input);
  const auto form = input.byte();
  const auto from = Offset(1000 + static_cast<std::int64_t>(input.below(8)));
  auto records = form % 2 == 0 ? mended(input.rest()) : message_set(input);
  const auto bounds = make_bounds();
  AppendRequest request{records, AppendOrigin::client, LeaderEpoch(1), TimestampMs(1'700'000'000'000)};
  {
    bool took_long = false;
    std::optional<std::vector<std::uint8_t>> at_once;
    if (auto brief = check_batch(request, config, "topic-0", bounds, CheckEffort::brief)) {
      at_once.emplace(brief->bytes.begin(), brief->bytes.end());
    } else {
      took_long = brief.error().kind == AppendErrorKind::takes_long;
    }
    auto checked = check_batch(request, config, "topic-0", bounds, CheckEffort::full);
    require(took_long || at_once.has_value() == checked.has_value(), "a brief check that judges otherwise");
    if (!checked) return require(!checked.error().message.empty(), "a refusal without words");
    require(took_long || std::ranges::equal(*at_once, checked->bytes), "a brief check that makes other bytes");
    assign_fields(*checked, Offset(1000), LeaderEpoch(3));
    check_stored(checked->bytes, *bounds);
    for (const std::int8_t magic : {std::int8_t{0}, std::int8_t{1}}) check_down(checked->bytes, magic, from, bounds);
  }
  require(bounds->used_bytes() == 0, "memory for conversions was not paid back");
}

}  // namespace
}  // namespace millrace::log

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  millrace::log::run({data, size});
  return 0;
}
