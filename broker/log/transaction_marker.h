// The control batch that ends a transaction in a partition: one record, whose key says the outcome and whose value says
// in which term the coordinator decided it.
//
//   key    int16 version 0 · int16 type: 0 abort, 1 commit
//   value  int16 version 0 · int32 coordinator epoch
//
// Pure functions; any thread. Source: org.apache.kafka.common.record.EndTransactionMarker, ControlRecordType;
// MemoryRecords.withEndTransactionMarker.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "broker/base/types.h"
#include "broker/protocol/record_batch.h"

namespace millrace::log {

struct TransactionMarker {
  bool commit = false;
  std::int32_t coordinator_epoch = -1;
};

// The marker of a control batch (its first record); nullopt when compaction has emptied the batch or the record is not
// a marker.
[[nodiscard]] std::optional<TransactionMarker> read_marker(const protocol::Batch& batch);

// The whole batch, without offset and leader epoch.
[[nodiscard]] std::vector<std::uint8_t> marker_batch_of(const TransactionMarker& marker, ProducerId id,
                                                        ProducerEpoch epoch, TimestampMs now);

}  // namespace millrace::log
