// The records of one partition of `__transaction_state`, read from its first batch to its last, become the transactional
// ids that its coordinator begins with (kafka.coordinator.transaction.TransactionStateManager.loadTransactionMetadata).
//
// Kafka ends the load at a record that it cannot read and serves what it has by then; here the whole load fails, for an
// older state of that id would be taken for its newest one. Owned by one thread at a time: the coordinator's shard goes
// on answering meanwhile.
#pragma once

#include <optional>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/coordinator/text_map.h"
#include "broker/coordinator/transaction_metadata.h"
#include "broker/protocol/record_batch.h"

namespace millrace::coordinator {

class TransactionLoad {
 public:
  // The next batch; `plain_records` are its records without compression. Errors: records that are not sound, and those
  // of read_record.
  [[nodiscard]] Status read(const protocol::BatchHeader& header, BytesView plain_records);
  // Errors: the record cannot be read, or is none that a coordinator writes.
  [[nodiscard]] Status read_record(BytesView key, std::optional<BytesView> value);

  [[nodiscard]] TextMap<TransactionEntry> finish() && { return std::move(entries_); }

 private:
  TextMap<TransactionEntry> entries_;
};

}  // namespace millrace::coordinator
