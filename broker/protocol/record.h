// One record of a batch of magic 2, and the walk over an uncompressed batch (org.apache.kafka.common.record.DefaultRecord):
//
//   length varint · attributes int8 · timestamp delta varlong · offset delta varint · key · value · header count varint · headers
//
// Keys and values are a varint length (-1 for null) and bytes; a header is a key that is never null and a value. The record's fields must
// fill its length exactly. Views the batch; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/protocol/record_batch.h"

namespace millrace::protocol {

struct RecordHeader {
  std::string_view key{};
  std::optional<BytesView> value{};
};

struct Record {
  std::int64_t timestamp_delta = 0;
  std::int32_t offset_delta = 0;
  std::optional<BytesView> key{};
  std::optional<BytesView> value{};
  std::int32_t header_count = 0;
  BytesView encoded_headers{};  // read by record_headers
  std::uint8_t attributes = 0;  // none is defined

  [[nodiscard]] Offset offset(const BatchHeader& batch) const { return batch.base_offset + offset_delta; }
  [[nodiscard]] TimestampMs timestamp(const BatchHeader& batch) const;
};

// The headers of a record that RecordReader gave out.
std::vector<RecordHeader> record_headers(const Record& record);

// Walks the records of a batch whose bytes are plain: an uncompressed batch's records(), or what decompress() made of them.
//
//   RecordReader reader(batch.header, batch.records());
//   while (reader.next()) use(reader.record());
//   if (!reader.status()) …
class RecordReader {
 public:
  RecordReader(const BatchHeader& header, BytesView plain_records);

  // Whether there is another record, then in record(). After false, status() says whether the batch was sound to its end: it holds
  // exactly as many records as its header counts, and nothing after them.
  bool next();
  [[nodiscard]] const Record& record() const { return record_; }
  [[nodiscard]] const Status& status() const { return status_; }

 private:
  bool fail_record(const char* why);

  BytesView rest_;
  std::int32_t record_count_;
  std::int32_t index_ = 0;
  Offset base_offset_;
  Record record_;
  Status status_;
};

}  // namespace millrace::protocol
