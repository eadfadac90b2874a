// One pass over the records of a batch, compressed or not, that steps over keys and values: what the broker must know before it
// appends (org.apache.kafka.storage.internals.log.LogValidator), at the price of a fixed window of memory.
//
//   RecordScanner scanner(batch, limits);
//   while (scanner.next()) judge(scanner.record());
//   if (!scanner.status()) …
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/protocol/compression.h"
#include "broker/protocol/record_batch.h"

namespace millrace::protocol {

// A record without its contents.
struct RecordSummary {
  std::int32_t index = 0;  // in the batch, from 0
  std::int64_t timestamp_delta = 0;
  std::int32_t offset_delta = 0;
  std::int32_t key_bytes = -1;  // -1: null
  std::int32_t value_bytes = -1;
  std::int32_t header_count = 0;
  std::int64_t size_bytes = 0;  // with its length field

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
  bool next();
  [[nodiscard]] const RecordSummary& record() const { return record_; }
  [[nodiscard]] const Status& status() const { return status_; }
  // Bytes of all records so far, without compression.
  [[nodiscard]] std::uint64_t plain_bytes() const { return plain_bytes_; }

 private:
  bool read_whole_record();
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
  bool sound_ = true;  // the current record, so far
  RecordSummary record_;
  Status status_;
};

}  // namespace millrace::protocol
