// One pass over the records of a batch, compressed or not, that steps over keys and values: what the broker must know before it
// appends (org.apache.kafka.storage.internals.log.LogValidator), at the price of a fixed window of memory.
//
//   RecordScanner scanner(batch, limits);
//   while (scanner.next()) judge(scanner.record());
//   if (!scanner.status()) …
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/protocol/compression.h"
#include "broker/protocol/record_batch.h"
#include "broker/protocol/varint.h"

namespace millrace::protocol {

// A record without its contents.
struct RecordSummary {
  std::int32_t index = 0;  // in the batch, from 0
  std::int64_t timestamp_delta = 0;
  std::int32_t offset_delta = 0;
  std::int32_t key_bytes = -1;  // -1: null
  std::int32_t value_bytes = -1;
  std::int32_t header_count = 0;

  [[nodiscard]] bool has_key() const { return key_bytes >= 0; }
};

class RecordScanner {
 public:
  // `batch` must outlive the scanner; its CRC is not looked at.
  RecordScanner(const Batch& batch, const DecompressionLimits& limits);
  RecordScanner(const RecordScanner&) = delete;
  RecordScanner& operator=(const RecordScanner&) = delete;
  ~RecordScanner();

  // Whether there is another record, then in record(). After false, status() is an error when the records or their compression are
  // not sound to their end, or do not match the header's count: corrupt, truncated or, at the limits, resource_exhausted.
  bool next() { return step_over() || next_closely(); }
  [[nodiscard]] const RecordSummary& record() const { return record_; }
  [[nodiscard]] const Status& status() const { return status_; }
  // Bytes of all records so far, without compression.
  [[nodiscard]] std::uint64_t plain_bytes() const { return plain_bytes_; }

 private:
  // Length, attributes, both deltas and the key's length.
  static constexpr std::ptrdiff_t prefix_limit_bytes = 3 * varint_limit_bytes + 1 + varlong_limit_bytes;

  bool step_over();
  bool next_closely();
  bool read_record();
  bool read_headers();
  bool skip(std::int64_t size_bytes);
  std::int64_t varlong(std::size_t limit_bytes);
  std::int32_t varint();
  bool at_end();
  bool refill();
  bool fail_record(const char* why);

  struct Window;

  const Batch& batch_;
  std::unique_ptr<Decompressor> stream_;  // null for an uncompressed batch
  std::unique_ptr<Window> window_;
  const std::uint8_t* position_;
  const std::uint8_t* end_;
  std::int64_t record_left_bytes_ = 0;  // of the current record's announced length
  std::uint64_t plain_bytes_ = 0;
  std::int32_t index_ = 0;
  std::int32_t record_count_;
  bool sound_ = true;  // the current record, so far
  RecordSummary record_;
  Status status_;
};

// Nearly every record: sound, without headers, and all of it in memory. It is here since it runs for each record of each producer. False
// changes nothing, and next_closely() tells what is there instead.
inline bool RecordScanner::step_over() {
  const std::uint8_t* at = position_;
  if (index_ == record_count_ || end_ - at < prefix_limit_bytes) return false;
  std::int64_t length = 0;
  at = read_varint<varint_limit_bytes>(at, length);
  if (at == nullptr || length < 1 || length > end_ - at) return false;
  const std::uint8_t* const end = at + length;
  ++at;  // attributes: none is defined
  std::int64_t timestamp_delta = 0;
  std::int64_t offset_delta = 0;
  std::int64_t key_bytes = 0;
  std::int64_t value_bytes = 0;
  at = read_varint<varlong_limit_bytes>(at, timestamp_delta);
  if (at == nullptr) return false;
  at = read_varint<varint_limit_bytes>(at, offset_delta);
  if (at == nullptr || offset_delta != static_cast<std::int32_t>(offset_delta)) return false;
  at = read_varint<varint_limit_bytes>(at, key_bytes);
  // Behind the key there are the value's length and a count of headers.
  if (at == nullptr || key_bytes < -1 || key_bytes > end - at - 2) return false;
  at += std::max<std::int64_t>(key_bytes, 0);
  if (end_ - at < std::ptrdiff_t{varint_limit_bytes}) return false;
  at = read_varint<varint_limit_bytes>(at, value_bytes);
  if (at == nullptr || value_bytes < -1 || std::max<std::int64_t>(value_bytes, 0) != end - at - 1) return false;
  if (end[-1] != 0) return false;  // headers
  record_.index = index_++;
  record_.timestamp_delta = timestamp_delta;
  record_.offset_delta = static_cast<std::int32_t>(offset_delta);
  record_.key_bytes = static_cast<std::int32_t>(key_bytes);
  record_.value_bytes = static_cast<std::int32_t>(value_bytes);
  record_.header_count = 0;
  plain_bytes_ += static_cast<std::uint64_t>(end - position_);
  position_ = end;
  return true;
}

}  // namespace millrace::protocol
