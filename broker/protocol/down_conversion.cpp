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
  BatchReader batches(records);
  while (out.empty() || out.size() < size_bytes) {
    auto more = batches.next();
    if (!more && out.empty()) return tl::unexpected(more.error());
    if (!more || !*more) break;
    auto converted = BatchConversion(batches.batch(), to_magic, from, charge).run();
    if (!converted && out.empty()) return converted;
    if (!converted) break;
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
