// What compaction leaves of one batch: org.apache.kafka.storage's cleaner and MemoryRecords.filterTo, batch by batch. A batch of
// which everything stays is copied as it is; another one is made anew with its offsets, its producer and sequences and its codec; one
// that a producer's state hangs on stays without records; the rest goes. Messages of magic 0 and 1 keep their format.
//
// No I/O. One thread. Errors: corrupt, with the batch's offset, when a batch is not sound; resource_exhausted when it expands
// beyond 1 GiB.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/log/cleaned_transactions.h"
#include "broker/log/key_offset_map.h"
#include "broker/log/segment_check.h"
#include "broker/protocol/record.h"
#include "broker/protocol/record_batch.h"

namespace millrace::log {

// The newest that a log knows of a producer that has not expired.
struct LastProducerRecord {
  std::optional<Offset> last_data_offset{};  // none: only its marker is left
  ProducerEpoch epoch;
};
using ActiveProducers = std::unordered_map<ProducerId, LastProducerRecord>;

struct FilterSettings {
  // The pass goes up to here at most: of the batch that ends there at least its header stays, so that the compacted part of the log
  // keeps its end (as Kafka 3.9.2 has it).
  Offset round_end = Offset::none();
  TimestampMs now;                       // of this pass
  std::int64_t delete_retention_ms = 0;  // delete.retention.ms
  bool keeps_legacy_tombstones = true;   // of magic 0 and 1: the segment is too young for them to go
};

enum class BatchFate : std::uint8_t { kept, rewritten, emptied, dropped };

struct FilteredBatch {
  BatchFate fate = BatchFate::dropped;
  std::vector<std::uint8_t> rewritten{};  // instead of the batch; empty when it was kept or dropped
  Offset last_offset;                     // of what stays
  TimestampMs max_timestamp;              // of what stays
  std::uint64_t records_read = 0;
  std::uint64_t records_kept = 0;
  std::uint64_t records_without_key = 0;
};

class RecordFilter {
 public:
  // All outlive the filter.
  RecordFilter(const KeyOffsetMap& keys, CleanedTransactions& transactions, const ActiveProducers& producers)
      : keys_(keys), transactions_(transactions), producers_(producers) {}

  Result<FilteredBatch> filter(const AnyBatch& batch, const FilterSettings& settings);

 private:
  Result<bool> is_discardable(const protocol::Batch& batch, BytesView plain);
  [[nodiscard]] Result<std::vector<protocol::Record>> kept_records(const protocol::Batch& batch, BytesView plain,
                                                                   bool discarded, bool keeps_tombstones,
                                                                   FilteredBatch& into) const;
  Result<FilteredBatch> filter_batch(const protocol::Batch& batch, const FilterSettings& settings);
  Result<FilteredBatch> filter_message(const AnyBatch& batch, const FilterSettings& settings) const;
  [[nodiscard]] bool is_last_of_producer(const protocol::BatchHeader& header) const;
  [[nodiscard]] bool keeps(Offset offset, std::optional<BytesView> key, bool has_value, bool keeps_tombstones,
                           FilteredBatch& counts) const;

  const KeyOffsetMap& keys_;
  CleanedTransactions& transactions_;
  const ActiveProducers& producers_;
};

// Puts the keys of the batch's records from `from` on into the map; false when it was full before the last one. Batches that were
// aborted, and control batches, have none that count.
Result<bool> map_keys(const AnyBatch& batch, Offset from, CleanedTransactions& transactions, KeyOffsetMap& keys);

}  // namespace millrace::log
