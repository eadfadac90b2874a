#include "broker/log/legacy_validator.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "broker/log/record_errors.h"
#include "broker/protocol/legacy_message.h"
#include "broker/protocol/record_batch_builder.h"

namespace millrace::log {
namespace {

using protocol::Codec;
using protocol::LegacyMessage;
using protocol::LegacyMessageReader;

tl::unexpected<AppendError> refuse(AppendErrorKind kind, std::string message) {
  return tl::unexpected(AppendError{kind, std::move(message), {}});
}

// What all messages of the set have in common.
struct MessageSet {
  std::int8_t magic = 0;
  Codec codec = Codec::none;
  std::size_t count = 0;
  bool one_magic = true;
};

// A record batch behind messages: it has its own checksum, and no business there.
tl::expected<std::size_t, AppendError> check_stray_batch(BytesView records) {
  auto batch = protocol::parse_batch(records);
  if (!batch && batch.error().kind == ErrorKind::truncated) return 0;
  if (!batch) return refuse(AppendErrorKind::corrupt_batch, batch.error().message);
  if (auto sound = protocol::check_batch_crc(*batch); !sound)
    return refuse(AppendErrorKind::corrupt_batch, sound.error().message);
  return batch->bytes.size();
}

// The size of the message at the start, which then counts as one of the set; 0: nothing whole is left.
tl::expected<std::size_t, AppendError> check_next(BytesView records, MessageSet& set, const LogConfig& config,
                                                  const std::string& log_name) {
  if (!is_legacy(records)) {
    auto size_bytes = check_stray_batch(records);
    if (size_bytes && *size_bytes > 0) {
      ++set.count;
      set.one_magic = false;
    }
    return size_bytes;
  }
  auto message = protocol::parse_legacy_message(records);
  if (!message && message.error().kind == ErrorKind::truncated) return 0;
  if (!message) return refuse(AppendErrorKind::corrupt_batch, message.error().message);
  if (auto allowed = check_size(message->bytes.size(), config, log_name); !allowed)
    return tl::unexpected(std::move(allowed.error()));
  if (auto sound = check_legacy_crc(*message); !sound)
    return refuse(AppendErrorKind::corrupt_batch, sound.error().message + " in topic partition " + log_name);
  if (!message->attributes.has_known_codec())
    return refuse(AppendErrorKind::corrupt_batch,
                  "unknown codec " + std::to_string(message->attributes.bits() & 7) + " in an append to " + log_name);
  if (set.count++ == 0) set.magic = message->magic;
  set.one_magic = set.one_magic && message->magic == set.magic;
  if (message->is_compressed()) set.codec = message->attributes.codec();
  return message->bytes.size();
}

tl::expected<MessageSet, AppendError> check_outside(BytesView records, const LogConfig& config,
                                                    const std::string& log_name) {
  MessageSet set;
  while (!records.empty()) {
    auto size_bytes = check_next(records, set, config, log_name);
    if (!size_bytes) return tl::unexpected(std::move(size_bytes.error()));
    if (*size_bytes == 0) break;
    records = records.subspan(*size_bytes);
  }
  return set;
}

class LegacyConversion {
 public:
  LegacyConversion(const MessageSet& set, const AppendRequest& request, const LogConfig& config,
                   const std::string& log_name, protocol::ConversionCharge& charge)
      : log_name_(log_name),
        errors_(config, request.now, log_name),
        limits_(decompression_limits(config, charge.bounds())),
        charge_(charge),
        builder_({.codec = config.compression.value_or(set.codec),
                  .compression_level = config.compression_level,
                  .timestamp_type = config.message_timestamp_type,
                  .log_append_time = request.now}) {}

  tl::expected<std::vector<std::uint8_t>, AppendError> run(BytesView records) {
    // What comes plain is in the builder and in the batch that it makes; what comes compressed is charged for that below.
    if (auto taken = charge_.add(2 * std::uint64_t{records.size()}); !taken)
      return tl::unexpected(conversion_error(taken.error(), charge_.bounds()));
    LegacyMessageReader messages(records);
    while (messages.next().value_or(false)) {
      const auto& message = messages.message();
      auto added = message.is_compressed() ? add_inner(message) : add(message, message.attributes.timestamp_type());
      if (!added) return tl::unexpected(std::move(added.error()));
      if (!errors_.empty()) return errors_.error();
      index_ = 0;
    }
    auto built = builder_.build();
    if (!built) return refuse(AppendErrorKind::unsupported_compression, built.error().message);
    return std::move(*built);
  }

 private:
  using Added = tl::expected<void, AppendError>;

  tl::unexpected<AppendError> invalid(const std::string& what) const {
    return refuse(AppendErrorKind::invalid_record, what + " in topic partition " + log_name_);
  }

  Added add(const LegacyMessage& message, TimestampType type) {
    // Magic 0 has neither time nor type.
    if (message.magic == 0) type = TimestampType::create_time;
    errors_.check({index_++, message.offset.value(), message.key.has_value(), message.timestamp}, type);
    if (message.timestamp < TimestampMs::none())
      return refuse(AppendErrorKind::invalid_timestamp,
                    "Invalid negative timestamp " + std::to_string(message.timestamp.value()));
    if (errors_.empty()) builder_.append(message.timestamp, message.key, message.value);
    return {};
  }

  Added add_inner(const LegacyMessage& wrapper) {
    if (wrapper.attributes.codec() == Codec::zstd) return invalid("zstd in a message of magic " + text(wrapper));
    if (!wrapper.value) return invalid("a compressed message set with null value");
    // The records are in memory twice: here and in the builder.
    auto plain = decompress_within(charge_, wrapper.attributes.codec(), *wrapper.value, limits_,
                                   wrapper.magic == 0 ? protocol::Framing::magic_0 : protocol::Framing::standard, 2);
    if (!plain) return tl::unexpected(conversion_error(plain.error(), charge_.bounds()));
    const bool by_log = wrapper.magic > 0 && wrapper.attributes.timestamp_type() == TimestampType::log_append_time;
    LegacyMessageReader messages(*plain);
    std::optional<Offset> last_offset;
    for (;;) {
      auto more = messages.next();
      if (!more) return refuse(AppendErrorKind::corrupt_batch, more.error().message);
      if (!*more) break;
      auto message = messages.message();
      last_offset = message.offset;
      if (message.is_compressed()) return invalid("Inner messages must not be compressed");
      if (message.magic != wrapper.magic) {
        errors_.add(index_++, "A record's magic does not match outer magic " + text(wrapper));
        continue;
      }
      if (auto sound = check_legacy_crc(message); !sound)
        return refuse(AppendErrorKind::corrupt_batch, sound.error().message + " in topic partition " + log_name_);
      if (by_log) message.timestamp = wrapper.timestamp;
      if (auto added = add(message, wrapper.attributes.timestamp_type()); !added) return added;
    }
    if (!last_offset) return invalid("a compressed message set with no inner records");
    if (wrapper.magic > 0 && wrapper.offset != Offset(0) && wrapper.offset < *last_offset)
      return invalid("the wrapper's offset " + std::to_string(wrapper.offset.value()) +
                     " is less than the last inner message's, " + std::to_string(last_offset->value()));
    return {};
  }

  static std::string text(const LegacyMessage& message) { return std::to_string(message.magic); }

  const std::string& log_name_;
  RecordErrors errors_;
  protocol::DecompressionLimits limits_;
  protocol::ConversionCharge& charge_;
  protocol::RecordBatchBuilder builder_;
  std::int32_t index_ = 0;
};

}  // namespace

bool is_legacy(BytesView records) {
  if (records.size() <= protocol::batch_magic_position) return false;
  return records[protocol::batch_magic_position] < protocol::current_magic;
}

tl::expected<CheckedBatch, AppendError> check_legacy(const AppendRequest& request, const LogConfig& config,
                                                     const std::string& log_name,
                                                     const protocol::ConversionBoundsPointer& bounds,
                                                     CheckEffort effort) {
  if (effort == CheckEffort::brief && request.batches.size() > brief_conversion_bytes) return takes_long();
  auto set = check_outside(request.batches, config, log_name);
  if (!set) return tl::unexpected(std::move(set.error()));
  if (set->count == 0)
    return refuse(AppendErrorKind::invalid_record, "the produce request for " + log_name + " has no message");
  if (set->codec != Codec::none && set->count > 1)
    return refuse(AppendErrorKind::invalid_record, "Compressed outer record has more than one batch");
  if (!set->one_magic)
    return refuse(AppendErrorKind::invalid_record,
                  "the messages in the append to " + log_name + " have not all the same magic");

  if (effort == CheckEffort::brief && set->codec != Codec::none) return takes_long();
  CheckedBatch checked;
  auto& charge = checked.charge.emplace(bounds);
  auto converted = LegacyConversion(*set, request, config, log_name, charge).run(request.batches);
  if (!converted) return tl::unexpected(std::move(converted.error()));
  checked.reencoded = std::move(*converted);
  checked.bytes = checked.reencoded;
  checked.timestamp_type = config.message_timestamp_type;
  charge.reduce_to(checked.reencoded.size());
  auto batch = protocol::parse_batch(checked.bytes);
  if (!batch) return refuse(AppendErrorKind::invalid_record, batch.error().message);
  checked.batch = *batch;
  checked.max_timestamp = batch->header.max_timestamp;
  if (config.message_timestamp_type == TimestampType::log_append_time) checked.log_append_time = request.now;
  if (auto allowed = check_size(checked.bytes.size(), config, log_name); !allowed)
    return tl::unexpected(std::move(allowed.error()));
  return checked;
}

}  // namespace millrace::log
