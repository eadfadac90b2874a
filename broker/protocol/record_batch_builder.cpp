#include "broker/protocol/record_batch_builder.h"

#include <algorithm>
#include <limits>
#include <string>

#include "broker/base/check.h"
#include "broker/protocol/compression.h"
#include "broker/protocol/varint.h"

namespace millrace::protocol {
namespace {

constexpr std::size_t batch_limit_bytes = std::numeric_limits<std::int32_t>::max();

std::size_t sized(std::optional<BytesView> bytes) {
  return bytes ? varint_size(static_cast<std::int64_t>(bytes->size())) + bytes->size() : varint_size(-1);
}

void append_sized(std::vector<std::uint8_t>& to, std::optional<BytesView> bytes) {
  append_varint(to, bytes ? static_cast<std::int64_t>(bytes->size()) : -1);
  if (bytes) to.insert(to.end(), bytes->begin(), bytes->end());
}

}  // namespace

void RecordBatchBuilder::append(TimestampMs timestamp, std::optional<BytesView> key, std::optional<BytesView> value,
                                std::span<const RecordHeader> headers) {
  append_at(record_count_ == 0 ? options_.base_offset : last_offset_ + 1, timestamp, key, value, headers);
}

void RecordBatchBuilder::begin_record(Offset offset, TimestampMs timestamp, std::uint8_t attributes,
                                      std::optional<BytesView> key, std::optional<BytesView> value,
                                      std::size_t headers_bytes) {
  MILLRACE_INVARIANT(record_count_ == 0 ? offset >= options_.base_offset : offset > last_offset_,
                     "records are appended by ascending offset");
  const std::int64_t offset_delta = offset - options_.base_offset;
  MILLRACE_INVARIANT(offset_delta <= std::numeric_limits<std::int32_t>::max(), "a batch spans at most 2^31 offsets");
  if (record_count_ == 0) base_timestamp_ = options_.delete_horizon.value_or(timestamp);
  // Wraps around as it does for who reads it: the times are the producer's.
  const auto timestamp_delta = static_cast<std::int64_t>(static_cast<std::uint64_t>(timestamp.value()) -
                                                         static_cast<std::uint64_t>(base_timestamp_.value()));
  const std::size_t length =
      1 + varint_size(timestamp_delta) + varint_size(offset_delta) + sized(key) + sized(value) + headers_bytes;
  append_varint(records_, static_cast<std::int64_t>(length));
  records_.push_back(attributes);
  append_varint(records_, timestamp_delta);
  append_varint(records_, offset_delta);
  append_sized(records_, key);
  append_sized(records_, value);
  max_timestamp_ = record_count_ == 0 ? timestamp : std::max(max_timestamp_, timestamp);
  last_offset_ = offset;
  ++record_count_;
}

void RecordBatchBuilder::append_at(Offset offset, TimestampMs timestamp, std::optional<BytesView> key,
                                   std::optional<BytesView> value, std::span<const RecordHeader> headers) {
  std::size_t headers_bytes = varint_size(static_cast<std::int64_t>(headers.size()));
  for (const RecordHeader& header : headers) headers_bytes += sized(as_bytes(header.key)) + sized(header.value);
  begin_record(offset, timestamp, 0, key, value, headers_bytes);
  append_varint(records_, static_cast<std::int64_t>(headers.size()));
  for (const RecordHeader& header : headers) {
    append_sized(records_, as_bytes(header.key));
    append_sized(records_, header.value);
  }
}

void RecordBatchBuilder::append_copy(Offset offset, TimestampMs timestamp, const Record& record) {
  begin_record(offset, timestamp, record.attributes, record.key, record.value,
               varint_size(record.header_count) + record.encoded_headers.size());
  append_varint(records_, record.header_count);
  records_.insert(records_.end(), record.encoded_headers.begin(), record.encoded_headers.end());
}

Result<std::vector<std::uint8_t>> RecordBatchBuilder::build() const {
  std::vector<std::uint8_t> batch(batch_header_bytes);
  if (options_.codec == Codec::none) {
    batch.insert(batch.end(), records_.begin(), records_.end());
  } else {
    auto compressed = compress(options_.codec, records_, options_.compression_level);
    if (!compressed) return tl::unexpected(compressed.error());
    batch.insert(batch.end(), compressed->begin(), compressed->end());
  }
  if (batch.size() > batch_limit_bytes)
    return fail(ErrorKind::resource_exhausted,
                "a batch of " + std::to_string(batch.size()) + " bytes; 2 GiB are allowed");

  BatchHeader header;
  header.base_offset = options_.base_offset;
  header.length = static_cast<std::int32_t>(batch.size() - batch_length_overhead_bytes);
  header.partition_leader_epoch = options_.partition_leader_epoch;
  header.attributes.set_codec(options_.codec);
  header.attributes.set_timestamp_type(options_.timestamp_type);
  header.attributes.set_transactional(options_.is_transactional);
  header.attributes.set_control(options_.is_control);
  header.attributes.set_delete_horizon(options_.delete_horizon.has_value());
  const Offset last_offset = options_.last_offset.value_or(record_count_ == 0 ? options_.base_offset : last_offset_);
  header.last_offset_delta = static_cast<std::int32_t>(last_offset - options_.base_offset);
  header.base_timestamp = base_timestamp_;
  header.max_timestamp =
      options_.timestamp_type == TimestampType::log_append_time ? options_.log_append_time : max_timestamp_;
  header.producer_id = options_.producer_id;
  header.producer_epoch = options_.producer_epoch;
  header.base_sequence = options_.base_sequence;
  header.record_count = record_count_;
  write_batch_header(batch, header);
  return batch;
}

std::vector<std::uint8_t> empty_batch_of(const BatchHeader& header) {
  BatchHeader empty = header;
  empty.length = static_cast<std::int32_t>(batch_header_bytes - batch_length_overhead_bytes);
  empty.attributes = {};
  empty.attributes.set_timestamp_type(header.attributes.timestamp_type());
  empty.attributes.set_transactional(header.attributes.is_transactional());
  empty.attributes.set_control(header.attributes.is_control());
  empty.base_timestamp = TimestampMs::none();
  empty.record_count = 0;
  std::vector<std::uint8_t> batch(batch_header_bytes);
  write_batch_header(batch, empty);
  return batch;
}

}  // namespace millrace::protocol
