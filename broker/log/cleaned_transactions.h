// The transactions that compaction comes through on its way from a log's start: which batches were aborted, which markers are not
// needed any more, and which aborted transactions the compacted segments still have batches of (Kafka:
// CleanedTransactionMetadata).
//
// A marker is needed while a batch of its transaction was seen in this pass; what is not needed may go once a delete horizon is
// over. Batches must be shown in the order of the log, and each aborted transaction be told before its first one. One thread.
#pragma once

#include <optional>
#include <queue>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/log/transaction_index.h"
#include "broker/protocol/record.h"

namespace millrace::log {

class CleanedTransactions {
 public:
  // From the transaction indexes. The same one may be told again while the pass goes on.
  void add_aborted(std::span<const AbortedTransaction> transactions);

  // A batch of data up to `last_offset`. True: its transaction was aborted.
  bool on_batch(Offset last_offset, ProducerId producer, bool transactional);
  // A control batch with its first record, null in an emptied one. True: nothing needs it any more. corrupt: its key is none.
  Result<bool> on_control_batch(Offset last_offset, ProducerId producer, const protocol::Record* record);

  // The aborted transactions whose markers were needed since the last call, in the order of the markers: what the
  // transaction index of the compacted segment has.
  std::vector<AbortedTransaction> take_kept();

 private:
  struct Aborted {
    AbortedTransaction transaction;
    bool batch_seen = false;
  };
  struct LaterFirst {
    bool operator()(const AbortedTransaction& left, const AbortedTransaction& right) const {
      return left.first_offset > right.first_offset;
    }
  };

  void begin_up_to(Offset offset);

  std::priority_queue<AbortedTransaction, std::vector<AbortedTransaction>, LaterFirst> ahead_;
  std::unordered_map<ProducerId, Aborted> aborted_;
  std::unordered_set<ProducerId> committed_;  // with a batch seen
  std::vector<AbortedTransaction> kept_;
};

}  // namespace millrace::log
