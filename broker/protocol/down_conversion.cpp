#include "broker/protocol/down_conversion.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

#include "broker/protocol/compression.h"
#include "broker/protocol/legacy_message.h"
#include "broker/protocol/record.h"
#include "broker/protocol/record_batch.h"

namespace millrace::protocol {
namespace {

using Bytes = std::vector<std::uint8_t>;

// The start of a message that nobody can have whole; clients pass over it.
constexpr std::size_t overflow_bytes = 12;

class BatchConversion {
 public:
  BatchConversion(const Batch& batch, std::int8_t to_magic, Offset from, ConversionCharge& charge)
      : batch_(batch), header_(batch.header), to_magic_(to_magic), from_(from), charge_(charge) {}

  // Empty when nothing of the batch has a place in the old formats.
  Result<Bytes> run() {
    if (header_.attributes.is_control()) return Bytes();
    const auto codec = header_.attributes.codec();
    if (codec == Codec::zstd)
      return fail(ErrorKind::unsupported, "Down-conversion of zstandard-compressed batches is not supported");
    if (codec == Codec::none) return messages(batch_.records());
    const auto held_bytes = charge_.bytes();
    // How far the topic lets its batches expand is not known here; the memory that they take is bounded anyway.
    auto limits = charge_.bounds().decompression();
    limits.output_limit_bytes = std::numeric_limits<std::uint64_t>::max();
    auto plain = decompress_within(charge_, codec, batch_.records(), limits);
    if (!plain) return tl::unexpected(plain.error());
    auto inner = messages(*plain);
    if (!inner || inner->empty()) return inner;
    auto wrapped = wrap(*inner);
    charge_.reduce_to(held_bytes);
    if (wrapped) {
      if (auto taken = charge_.add(wrapped->size()); !taken) return tl::unexpected(taken.error());
    }
    return wrapped;
  }

 private:
  [[nodiscard]] bool is_compressed() const { return header_.attributes.codec() != Codec::none; }

  [[nodiscard]] BatchAttributes message_attributes(Codec codec) const {
    BatchAttributes attributes;
    attributes.set_codec(codec);
    if (to_magic_ > 0) attributes.set_timestamp_type(header_.attributes.timestamp_type());
    return attributes;
  }

  Result<Bytes> messages(BytesView plain) {
    Bytes out;
    RecordReader records(header_, plain);
    while (records.next()) {
      const auto& record = records.record();
      const auto offset = record.offset(header_);
      if (!is_compressed() && offset < from_) continue;
      if (!first_offset_) first_offset_ = offset;
      last_offset_ = offset;
      const auto timestamp = record.timestamp(header_);
      max_timestamp_ = std::max(max_timestamp_, timestamp);
      const bool is_relative = to_magic_ > 0 && is_compressed();
      LegacyFields fields{is_relative ? Offset(offset - *first_offset_) : offset,
                          to_magic_,
                          message_attributes(Codec::none),
                          timestamp,
                          record.key,
                          record.value};
      if (auto taken = charge_.add(legacy_size_bytes(fields)); !taken) return tl::unexpected(taken.error());
      append_legacy_message(out, fields);
    }
    if (!records.status()) return tl::unexpected(records.status().error());
    return out;
  }

  Result<Bytes> wrap(const Bytes& inner) {
    const auto codec = header_.attributes.codec();
    auto packed = compress(codec, inner, std::nullopt, to_magic_ == 0 ? Framing::magic_0 : Framing::standard);
    if (!packed) return tl::unexpected(packed.error());
    const bool by_log = header_.attributes.timestamp_type() == TimestampType::log_append_time;
    Bytes out;
    append_legacy_message(out, {last_offset_, to_magic_, message_attributes(codec),
                                by_log ? header_.max_timestamp : max_timestamp_, std::nullopt, BytesView(*packed)});
    return out;
  }

  const Batch& batch_;
  const BatchHeader& header_;
  const std::int8_t to_magic_;
  const Offset from_;
  ConversionCharge& charge_;
  std::optional<Offset> first_offset_;
  Offset last_offset_{};
  TimestampMs max_timestamp_ = TimestampMs::none();
};

// Takes messages of magic 1 to magic 0.
class MessageConversion {
 public:
  MessageConversion(const LegacyMessage& message, Offset from, ConversionCharge& charge)
      : message_(message), from_(from), charge_(charge) {}

  // Empty when it lies before what was asked for.
  Result<Bytes> run() {
    if (message_.is_compressed()) return rewrap();
    Bytes out;
    if (message_.offset < from_) return out;
    auto added = append(out, message_, message_.offset);
    if (!added) return tl::unexpected(added.error());
    return out;
  }

 private:
  Status append(Bytes& out, const LegacyMessage& message, Offset offset) {
    LegacyFields fields{offset, 0, BatchAttributes(), TimestampMs::none(), message.key, message.value};
    if (auto taken = charge_.add(legacy_size_bytes(fields)); !taken) return taken;
    append_legacy_message(out, fields);
    return {};
  }

  Result<Bytes> rewrap() {
    if (!message_.value) return fail(ErrorKind::corrupt, "a compressed message has no value");
    const auto codec = message_.attributes.codec();
    const auto held_bytes = charge_.bytes();
    auto limits = charge_.bounds().decompression();
    limits.output_limit_bytes = std::numeric_limits<std::uint64_t>::max();
    auto plain = decompress_within(charge_, codec, *message_.value, limits);
    if (!plain) return tl::unexpected(plain.error());
    auto inner = messages(*plain);
    if (!inner || inner->empty()) return inner;
    auto packed = compress(codec, *inner, std::nullopt, Framing::magic_0);
    if (!packed) return tl::unexpected(packed.error());
    BatchAttributes attributes;
    attributes.set_codec(codec);
    Bytes out;
    append_legacy_message(out, {message_.offset, 0, attributes, TimestampMs::none(), std::nullopt, BytesView(*packed)});
    charge_.reduce_to(held_bytes);
    if (auto taken = charge_.add(out.size()); !taken) return tl::unexpected(taken.error());
    return out;
  }

  // With offsets of their own: within magic 1 they are relative, and the last one's is that of the message around them.
  Result<Bytes> messages(BytesView plain) {
    auto last = last_offset(plain);
    if (!last) return tl::unexpected(last.error());
    const auto base = message_.offset - *last;
    Bytes out;
    LegacyMessageReader inside(plain);
    while (true) {
      auto more = inside.next();
      if (!more) return tl::unexpected(more.error());
      if (!*more) return out;
      const auto offset = Offset(base + inside.message().offset.value());
      if (auto added = append(out, inside.message(), offset); !added) return tl::unexpected(added.error());
    }
  }

  static Result<Offset> last_offset(BytesView plain) {
    LegacyMessageReader inside(plain);
    Offset last{};
    while (true) {
      auto more = inside.next();
      if (!more) return tl::unexpected(more.error());
      if (!*more) return last;
      last = inside.message().offset;
    }
  }

  const LegacyMessage& message_;
  const Offset from_;
  ConversionCharge& charge_;
};

// Steps over what a fetch has read, batches and messages as they come, and converts what is newer than `to_magic`.
class FetchedRecords {
 public:
  FetchedRecords(BytesView records, std::int8_t to_magic, Offset from, ConversionCharge& charge)
      : rest_(records), to_magic_(to_magic), from_(from), charge_(charge) {}

  // What becomes of the next one, maybe nothing; nullopt when no whole one is left.
  Result<std::optional<Bytes>> next() {
    if (rest_.size() <= magic_position) return std::optional<Bytes>();
    if (static_cast<std::int8_t>(rest_[magic_position]) < current_magic) return next_message();
    BatchReader batches(rest_);
    auto more = batches.next();
    if (!more) return tl::unexpected(more.error());
    if (!*more) return std::optional<Bytes>();
    rest_ = rest_.subspan(batches.next_position());
    return some(BatchConversion(batches.batch(), to_magic_, from_, charge_).run());
  }

 private:
  static constexpr std::size_t magic_position = 16;
  static constexpr std::int8_t current_magic = 2;

  static Result<std::optional<Bytes>> some(Result<Bytes> converted) {
    if (!converted) return tl::unexpected(converted.error());
    return std::optional<Bytes>(std::move(*converted));
  }

  Result<std::optional<Bytes>> next_message() {
    auto message = parse_legacy_message(rest_);
    if (!message && message.error().kind == ErrorKind::truncated) return std::optional<Bytes>();
    if (!message) return tl::unexpected(message.error());
    rest_ = rest_.subspan(message->bytes.size());
    if (message->magic > to_magic_) return some(MessageConversion(*message, from_, charge_).run());
    if (auto taken = charge_.add(message->bytes.size()); !taken) return tl::unexpected(taken.error());
    return std::optional<Bytes>(Bytes(message->bytes.begin(), message->bytes.end()));
  }

  BytesView rest_;
  const std::int8_t to_magic_;
  const Offset from_;
  ConversionCharge& charge_;
};

// Fills up to `size_bytes` with what cannot be a message: one that is longer than what is there.
void append_overflow(Bytes& to, std::size_t size_bytes) {
  const auto missing = size_bytes - to.size();
  if (missing == 0) return;
  std::uint8_t start[overflow_bytes];
  store_big_endian(start, std::int64_t{-1});
  store_big_endian(start + 8, static_cast<std::int32_t>(std::max(missing + 1, batch_header_bytes)));
  to.insert(to.end(), start, start + std::min(missing, overflow_bytes));
  to.resize(size_bytes);
}

}  // namespace

Result<std::vector<std::uint8_t>> convert_down(BytesView records, std::int8_t to_magic, Offset from,
                                               ConversionCharge& charge) {
  if (auto taken = charge.add(records.size()); !taken) return tl::unexpected(taken.error());
  Bytes out;
  std::size_t size_bytes = overflow_bytes;  // when nothing comes of them
  FetchedRecords fetched(records, to_magic, from, charge);
  while (out.empty() || out.size() < size_bytes) {
    auto next = fetched.next();
    if (!next && out.empty()) return tl::unexpected(next.error());
    if (!next || !*next) break;
    const auto& converted = *next;
    if (converted->empty()) continue;
    if (out.empty()) size_bytes = std::max(records.size(), converted->size());
    out.insert(out.end(), converted->begin(), converted->end());
  }
  if (out.size() > size_bytes) out.resize(size_bytes);
  append_overflow(out, size_bytes);
  charge.reduce_to(out.size());
  return out;
}

}  // namespace millrace::protocol
