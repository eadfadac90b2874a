// Any bytes as a run of record batches: the walk, the scan of plain and compressed records within its limits, and the
// two readers of records, which must agree. What the broker changes in place stays a sound batch.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "broker/protocol/compression.h"
#include "broker/protocol/record.h"
#include "broker/protocol/record_batch.h"
#include "broker/protocol/record_scanner.h"

namespace millrace::protocol {
namespace {

constexpr DecompressionLimits limits{.output_limit_bytes = std::uint64_t{4} << 20, .zstd_window_log_limit = 22};

void require(bool condition, const std::string& what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what.c_str());
  std::abort();
}

std::string words(const Status& status) { return status ? "sound" : status.error().message; }

void check_records(const Batch& batch) {
  const auto plain = decompress(batch.header.attributes.codec(), batch.records(), limits);
  RecordScanner scanner(batch, limits);
  if (!plain) {
    while (scanner.next()) {
    }
    // A batch whose records end before the damage is refused for what follows them.
    require(!scanner.status(), "a stream that cannot be decompressed was scanned: " + plain.error().message);
    return;
  }
  require(batch.header.attributes.codec() == Codec::none || plain->size() <= limits.output_limit_bytes,
          "the limit was exceeded");
  RecordReader reader(batch.header, *plain);
  while (reader.next()) {
    require(scanner.next(), "the scanner stops before the reader does");
    const Record& record = reader.record();
    const RecordSummary& summary = scanner.record();
    require(record.offset_delta == summary.offset_delta && record.timestamp_delta == summary.timestamp_delta &&
                record.key.has_value() == summary.has_key() && record.header_count == summary.header_count,
            "scanner and reader see different records");
    require(record_headers(record).size() == static_cast<std::size_t>(record.header_count), "headers are missing");
    static_cast<void>(record.offset(batch.header));
    static_cast<void>(record.timestamp(batch.header));
  }
  require(!scanner.next() && scanner.status().has_value() == reader.status().has_value(),
          "scanner and reader disagree about a batch: " + words(scanner.status()) + " / " + words(reader.status()));
}

void check_changes(const Batch& batch) {
  std::vector<std::uint8_t> copy(batch.bytes.begin(), batch.bytes.end());
  set_base_offset(copy, Offset(7));
  set_partition_leader_epoch(copy, LeaderEpoch(3));
  set_max_timestamp(copy, TimestampType::log_append_time, TimestampMs(5));
  set_producer_state(copy, ProducerId(1), ProducerEpoch(1), Sequence(0), true);
  const auto changed = parse_batch(copy);
  require(changed && check_batch_crc(*changed), "a batch that was changed in place is no batch any more");
  require(changed->header.last_offset_delta == batch.header.last_offset_delta, "a change touched another field");
}

void run(BytesView input) {
  static_cast<void>(parse_batch_prefix(input));
  BatchReader reader(input);
  for (int count = 0; count < 8; ++count) {
    const auto more = reader.next();
    if (!more || !*more) break;
    const Batch& batch = reader.batch();
    require(batch.bytes.size() == batch.header.size_bytes() && reader.next_position() <= input.size(),
            "a batch leaves its buffer");
    static_cast<void>(check_batch_crc(batch));
    static_cast<void>(batch.header.last_sequence());
    static_cast<void>(batch.header.next_offset());
    check_records(batch);
    check_changes(batch);
  }
}

}  // namespace
}  // namespace millrace::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  millrace::protocol::run({data, size});
  return 0;
}
