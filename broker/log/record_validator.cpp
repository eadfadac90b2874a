#include "broker/log/record_validator.h"

#include <limits>
#include <optional>
#include <vector>

#include "broker/log/legacy_validator.h"
#include "broker/log/record_errors.h"
#include "broker/log/segment_check.h"
#include "broker/protocol/legacy_message.h"
#include "broker/protocol/record.h"
#include "broker/protocol/record_batch_builder.h"
#include "broker/protocol/record_scanner.h"

namespace millrace::log {
namespace {

using protocol::Batch;
using protocol::BatchHeader;

tl::unexpected<AppendError> refuse(AppendErrorKind kind, std::string message) {
  return tl::unexpected(AppendError{kind, std::move(message), {}});
}

template <class Number>
std::string text(Number number) {
  return std::to_string(number.value());
}

// What can be looked through in about a millisecond: bytes that came, and bytes that they expand to.
constexpr std::size_t brief_batch_bytes = std::size_t{2} << 20;
constexpr int brief_zstd_window_log = 23;
// Compressed bytes are worth a try while they are a fourth of what they may expand to.
constexpr std::size_t brief_plain_bytes(protocol::Codec codec) {
  return codec == protocol::Codec::gzip ? std::size_t{256} << 10 : std::size_t{1} << 20;
}

bool is_large(const BatchHeader& header) {
  const auto codec = header.attributes.codec();
  return codec != protocol::Codec::none && header.size_bytes() > brief_plain_bytes(codec) / 4;
}

protocol::DecompressionLimits scan_limits(protocol::DecompressionLimits limits, protocol::Codec codec,
                                          CheckEffort effort) {
  if (effort == CheckEffort::full) return limits;
  limits.output_limit_bytes = std::min<std::uint64_t>(limits.output_limit_bytes, brief_plain_bytes(codec));
  limits.zstd_window_log_limit = std::min(limits.zstd_window_log_limit, brief_zstd_window_log);
  return limits;
}

// How often a topic's largest batch may be had in what it expands to, where that is more than the broker's bound.
constexpr std::uint64_t most_expansion_of_largest = 16;

tl::unexpected<AppendError> framing_error(const Error& error) {
  return refuse(
      error.kind == ErrorKind::unsupported ? AppendErrorKind::unsupported_format : AppendErrorKind::corrupt_batch,
      error.message);
}

// The batch whose bytes are exactly the request's.
tl::expected<Batch, AppendError> only_batch(const AppendRequest& request, const LogConfig& config,
                                            const std::string& log_name) {
  if (request.batches.empty())
    return refuse(AppendErrorKind::invalid_record, "the produce request for " + log_name + " has no record batch");
  auto batch = protocol::parse_batch(request.batches);
  if (!batch) return framing_error(batch.error());
  if (request.origin == AppendOrigin::client && batch->header.base_offset != Offset(0)) {
    return refuse(AppendErrorKind::invalid_record, "The baseOffset of the record batch in the append to " + log_name +
                                                       " should be 0, but it is " + text(batch->header.base_offset));
  }
  if (auto allowed = check_size(batch->bytes.size(), config, log_name); !allowed)
    return tl::unexpected(std::move(allowed.error()));
  if (auto checked = protocol::check_batch_crc(*batch); !checked)
    return refuse(AppendErrorKind::corrupt_batch, checked.error().message);
  if (batch->bytes.size() != request.batches.size()) {
    return refuse(AppendErrorKind::invalid_record, "the append to " + log_name + " has more than one record batch");
  }
  return *batch;
}

tl::expected<void, AppendError> check_header(const BatchHeader& header, AppendOrigin origin) {
  if (origin != AppendOrigin::client) return {};
  const auto range = "[" + text(header.base_offset) + ", " + text(header.last_offset()) + "]";
  if (header.last_offset() < header.base_offset) {
    return refuse(AppendErrorKind::invalid_record, "Batch has an invalid offset range: " + range);
  }
  if (header.record_count <= 0) {
    return refuse(AppendErrorKind::invalid_record,
                  "Invalid reported count for record batch: " + std::to_string(header.record_count));
  }
  if (std::int64_t{header.last_offset_delta} + 1 != header.record_count) {
    return refuse(AppendErrorKind::invalid_record, "Inconsistent batch offset range " + range +
                                                       " and count of records " + std::to_string(header.record_count));
  }
  if (header.attributes.is_control()) {
    return refuse(AppendErrorKind::invalid_record, "Clients are not allowed to write control records");
  }
  if (header.producer_id != ProducerId::none() && header.base_sequence < Sequence(0)) {
    return refuse(AppendErrorKind::invalid_record, "Invalid sequence number " + text(header.base_sequence) +
                                                       " in record batch with producerId " + text(header.producer_id));
  }
  return {};
}

TimestampMs timestamp_of(const BatchHeader& header, const protocol::RecordSummary& record) {
  if (header.attributes.timestamp_type() == TimestampType::log_append_time) return header.max_timestamp;
  return TimestampMs(
      wrapping_difference(header.base_timestamp.value(), wrapping_difference(0, record.timestamp_delta)));
}

// Replaces the batch by one with the same records, consecutive offsets and the topic's codec.
tl::expected<void, AppendError> use_reencoded(CheckedBatch& checked, const LogConfig& config,
                                              const std::string& log_name,
                                              const protocol::ConversionBoundsPointer& bounds) {
  const auto& header = checked.batch.header;
  const auto codec = config.compression.value_or(header.attributes.codec());
  // The records are in memory three times at most: plain, in the builder, and compressed.
  auto& charge = checked.charge.emplace(bounds);
  auto plain = protocol::decompress_within(charge, header.attributes.codec(), checked.batch.records(),
                                           decompression_limits(config, *bounds), protocol::Framing::standard, 3);
  if (!plain) return tl::unexpected(conversion_error(plain.error(), *bounds));
  protocol::RecordBatchBuilder builder({.base_offset = header.base_offset,
                                        .partition_leader_epoch = header.partition_leader_epoch,
                                        .codec = codec,
                                        .compression_level = config.compression_level,
                                        .timestamp_type = header.attributes.timestamp_type(),
                                        .log_append_time = header.max_timestamp,
                                        .producer_id = header.producer_id,
                                        .producer_epoch = header.producer_epoch,
                                        .base_sequence = header.base_sequence,
                                        .is_transactional = header.attributes.is_transactional(),
                                        .is_control = header.attributes.is_control()});
  protocol::RecordReader records(header, *plain);
  while (records.next()) {
    const auto& record = records.record();
    builder.append(record.timestamp(header), record.key, record.value, protocol::record_headers(record));
  }
  if (!records.status()) return refuse(AppendErrorKind::invalid_record, records.status().error().message);
  auto built = builder.build();
  if (!built) return refuse(AppendErrorKind::unsupported_compression, built.error().message);
  checked.reencoded = std::move(*built);
  charge.reduce_to(checked.reencoded.size());
  checked.bytes = checked.reencoded;
  auto batch = protocol::parse_batch(checked.bytes);
  if (!batch) return refuse(AppendErrorKind::invalid_record, batch.error().message);
  checked.batch = *batch;
  return check_size(checked.bytes.size(), config, log_name);
}

}  // namespace

tl::unexpected<AppendError> takes_long() { return refuse(AppendErrorKind::takes_long, {}); }

protocol::DecompressionLimits decompression_limits(const LogConfig& config, const protocol::ConversionBounds& bounds) {
  auto limits = bounds.decompression();
  limits.output_limit_bytes = std::max(
      limits.output_limit_bytes, most_expansion_of_largest * static_cast<std::uint64_t>(config.max_message_bytes));
  return limits;
}

tl::expected<void, AppendError> check_size(std::size_t size_bytes, const LogConfig& config,
                                           const std::string& log_name) {
  if (size_bytes <= static_cast<std::size_t>(config.max_message_bytes)) return {};
  return refuse(AppendErrorKind::batch_too_large,
                "The record batch size in the append to " + log_name + " is " + std::to_string(size_bytes) +
                    " bytes which exceeds the maximum configured value of " + std::to_string(config.max_message_bytes) +
                    " (max.message.bytes)");
}

AppendError conversion_error(const Error& error, protocol::ConversionBounds& bounds) {
  bounds.observe(error);
  switch (error.kind) {
    case ErrorKind::resource_exhausted:
      // Producers that can do so split what is too large, and each half expands half as far.
      return {AppendErrorKind::batch_too_large, error.message, {}};
    case ErrorKind::unavailable:
      return {AppendErrorKind::no_memory, error.message, {}};
    default:
      return {AppendErrorKind::invalid_record, error.message, {}};
  }
}

tl::expected<CheckedBatch, AppendError> check_batch(const AppendRequest& request, const LogConfig& config,
                                                    const std::string& log_name,
                                                    const protocol::ConversionBoundsPointer& bounds,
                                                    CheckEffort effort) {
  const auto size = request.batches.size();
  if (effort == CheckEffort::brief && size > brief_batch_bytes && check_size(size, config, log_name))
    return takes_long();
  if (request.origin == AppendOrigin::client && is_legacy(request.batches))
    return check_legacy(request, config, log_name, bounds, effort);
  auto batch = only_batch(request, config, log_name);
  if (!batch) return tl::unexpected(std::move(batch.error()));
  const auto& header = batch->header;
  if (auto allowed = check_header(header, request.origin); !allowed) return tl::unexpected(std::move(allowed.error()));

  if (effort == CheckEffort::brief && is_large(header)) return takes_long();
  RecordErrors errors(config, request.now, log_name);
  TimestampMs max_timestamp = TimestampMs::none();
  const auto codec = header.attributes.codec();
  const bool compressed = codec != protocol::Codec::none;
  bool gaps = false;
  protocol::RecordScanner records(*batch, scan_limits(decompression_limits(config, *bounds), codec, effort));
  while (records.next()) {
    const auto& record = records.record();
    gaps = gaps || (compressed && record.offset_delta != record.index);
    auto timestamp = timestamp_of(header, record);
    errors.check({record.index, record.offset_delta, record.has_key(), timestamp}, header.attributes.timestamp_type());
    max_timestamp = std::max(max_timestamp, timestamp);
  }
  if (!records.status()) {
    if (effort == CheckEffort::brief && records.status().error().kind == ErrorKind::resource_exhausted)
      return takes_long();
    return tl::unexpected(conversion_error(records.status().error(), *bounds));
  }
  if (!errors.empty()) return errors.error();
  CheckedBatch checked;
  checked.batch = *batch;
  checked.bytes = request.batches;
  checked.max_timestamp = max_timestamp;
  checked.timestamp_type = config.message_timestamp_type;
  if (config.message_timestamp_type == TimestampType::log_append_time)
    checked.max_timestamp = checked.log_append_time = request.now;
  const bool other_codec = config.compression && *config.compression != codec;
  if (gaps || (other_codec && (compressed || !header.attributes.is_control()))) {
    if (effort == CheckEffort::brief && records.plain_bytes() > brief_conversion_bytes) return takes_long();
    if (auto done = use_reencoded(checked, config, log_name, bounds); !done)
      return tl::unexpected(std::move(done.error()));
  }
  return checked;
}

void assign_fields(const CheckedBatch& checked, Offset base_offset, LeaderEpoch leader_epoch) {
  const auto& header = checked.batch.header;
  protocol::set_base_offset(checked.bytes, base_offset);
  protocol::set_partition_leader_epoch(checked.bytes, leader_epoch);
  if (header.max_timestamp != checked.max_timestamp || header.attributes.timestamp_type() != checked.timestamp_type) {
    protocol::set_max_timestamp(checked.bytes, checked.timestamp_type, checked.max_timestamp);
  }
}

tl::expected<Batch, AppendError> check_replicated_batch(BytesView bytes, bool& incomplete) {
  incomplete = false;
  auto batch = protocol::parse_batch(bytes);
  if (!batch) {
    incomplete = batch.error().kind == ErrorKind::truncated;
    return framing_error(batch.error());
  }
  if (auto checked = check_any_batch(batch->bytes); !checked)
    return refuse(AppendErrorKind::corrupt_batch, checked.error().message);
  return *batch;
}

tl::expected<Batch, AppendError> check_copied_batch(BytesView bytes, Offset next_offset, bool& incomplete) {
  if (!is_legacy(bytes)) return check_replicated_batch(bytes, incomplete);
  incomplete = false;
  auto message = protocol::parse_legacy_message(bytes);
  if (!message) {
    incomplete = message.error().kind == ErrorKind::truncated;
    return framing_error(message.error());
  }
  if (auto checked = protocol::check_legacy_crc(*message); !checked)
    return refuse(AppendErrorKind::corrupt_batch, checked.error().message);
  // A compressed one has the offset of the last message inside, and only its content knows that of the first.
  const auto span = message->offset - next_offset;
  const bool in_order = span >= 0 && span <= std::numeric_limits<std::int32_t>::max();
  Batch batch;
  batch.header.base_offset = in_order ? next_offset : message->offset;
  batch.header.last_offset_delta = in_order ? static_cast<std::int32_t>(span) : 0;
  batch.header.magic = message->magic;
  batch.header.attributes = message->attributes;
  batch.header.max_timestamp = message->timestamp;
  batch.bytes = message->bytes;
  return batch;
}

}  // namespace millrace::log
