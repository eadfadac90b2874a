// The producers that have written to a partition's log, and the checks that make their appends exactly-once (Kafka:
// ProducerStateManager, ProducerAppendInfo; KIP-98, KIP-185, KIP-360).
//
// - One of a producer's newest five batches again: a duplicate, answered with the offsets that it got.
// - An older epoch than the one seen: invalid_producer_epoch.
// - A new epoch starts at sequence 0; within an epoch the next batch starts after the last sequence, 0 following the highest int32.
// - A producer that is not known (never seen, expired) may start anywhere.
//
// An append is checked first (check) and remembered once it is in the log (apply). Which offsets the state covers is the end
// offset: replaying the log from there on brings it up to date.
//
// A transaction is open from its first record to its marker; until the high watermark has passed the marker it is decided, but
// not for every replica, and what lies behind its first record stays hidden from read_committed:
//
//     |--- stable ---|first record … marker|---
//                    ^ first unstable offset, as long as the high watermark is at or below the marker
//
// No I/O and no clock. Owned by the log's shard.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "broker/base/types.h"
#include "broker/log/append.h"
#include "broker/log/producer_entry.h"
#include "broker/log/transaction_marker.h"
#include "broker/log/transaction_verification.h"
#include "broker/protocol/record_batch.h"

namespace millrace::log {

// A batch as its producer's state sees it, with the offsets that it has or will have.
struct ProducerAppend {
  ProducerId id;
  ProducerEpoch epoch;
  Sequence first_sequence;
  Sequence last_sequence;
  Offset first_offset;
  Offset last_offset;
  TimestampMs max_timestamp;
  bool transactional = false;
  bool control = false;
  std::optional<TransactionMarker> marker;  // of a control batch; none when compaction has emptied it

  // `marker` of a control batch is the caller's to read.
  static ProducerAppend of(const protocol::BatchHeader& header, Offset first_offset);
};

// A transaction that had records and has got its marker.
struct CompletedTransaction {
  ProducerId producer;
  Offset first_offset;
  Offset last_offset;  // the marker's
  bool aborted = false;
  // The first offset of the oldest transaction that another producer has open, else the one behind the marker: what the
  // transaction index keeps of an aborted one.
  Offset last_stable_offset;
};

class ProducerState {
 public:
  ProducerState(std::string log_name, std::int64_t expiration_ms, std::size_t max_producers)
      : log_name_(std::move(log_name)),
        expiration_ms_(expiration_ms),
        max_producers_(max_producers),
        verification_(max_producers) {}

  // The remembered batch that `append` repeats; null when it is new.
  [[nodiscard]] const ProducerBatch* find_duplicate(const ProducerAppend& append) const;
  // Whether `append` may be written. Changes nothing.
  [[nodiscard]] tl::expected<void, AppendError> check(const ProducerAppend& append, AppendOrigin origin) const;
  // Whether transactional records may begin or go on with a transaction, as the coordinator sees it. Errors: `unverified` with the guard
  // that stands for the question to it; invalid_transaction_state when `guard` is not that of an open question.
  [[nodiscard]] tl::expected<void, AppendError> verify(const ProducerAppend& append, VerificationGuard guard,
                                                       TimestampMs now);
  // `append` is in the log now. It has been checked, or it was found in the log (recovery, replication), where it stands for itself.
  // The transaction that it completes, which counts as unstable until on_high_watermark.
  std::optional<CompletedTransaction> apply(const ProducerAppend& append);

  // Everything below is covered.
  [[nodiscard]] Offset end_offset() const { return end_offset_; }
  void set_end_offset(Offset offset) { end_offset_ = offset; }

  // Forgets everything and takes over a snapshot at `offset`, without the entries that have expired by `now`.
  void reset(Offset offset, const std::vector<ProducerEntry>& entries, TimestampMs now);
  [[nodiscard]] std::vector<ProducerEntry> entries() const;  // by producer id
  [[nodiscard]] const ProducerEntry* find(ProducerId id) const;
  [[nodiscard]] std::size_t size() const { return producers_.size(); }
  // There is nobody, and nothing that could expire.
  [[nodiscard]] bool empty() const { return producers_.empty() && verification_.size() == 0; }

  // Forgets producers that have written nothing for producer.id.expiration.ms and have no open transaction.
  void remove_expired(TimestampMs now);

  // The first offset of the oldest open transaction; none() without one.
  [[nodiscard]] Offset first_open_transaction() const {
    return open_transactions_.empty() ? Offset::none() : open_transactions_.begin()->first;
  }
  // The same of the open transactions and of those whose markers are not below the high watermark.
  [[nodiscard]] Offset first_unstable_offset() const;
  // Transactions whose markers lie below `high_watermark` are stable.
  void on_high_watermark(Offset high_watermark);
  // The log ends at `end` now, and `read` are the producers that a snapshot and the batches up to there make. Transactions that
  // were completed below it stay unstable as long as they were to, however old the snapshot is.
  void truncate(Offset end, ProducerState read);
  // Of the same log, knowing nobody.
  [[nodiscard]] ProducerState without_producers() const { return {log_name_, expiration_ms_, max_producers_}; }
  // Nothing below `log_start` is readable any more.
  void on_log_start(Offset log_start);

 private:
  [[nodiscard]] bool expired(const ProducerEntry& entry, TimestampMs now) const;
  [[nodiscard]] tl::expected<void, AppendError> check_epoch(const ProducerEntry* known,
                                                            const ProducerAppend& append) const;
  [[nodiscard]] tl::expected<void, AppendError> check_sequence(const ProducerEntry* known,
                                                               const ProducerAppend& append) const;
  std::optional<CompletedTransaction> end_transaction(ProducerEntry& entry, const ProducerAppend& append);
  [[nodiscard]] Offset first_open_but(Offset first_offset) const;
  void make_room(ProducerId newest);

  std::string log_name_;
  std::int64_t expiration_ms_;
  std::size_t max_producers_;
  std::unordered_map<ProducerId, ProducerEntry> producers_;
  std::map<Offset, ProducerId> open_transactions_;  // by their first offsets
  std::map<Offset, Offset> unreplicated_;           // completed, not below the high watermark: first offsets by markers
  std::set<Offset> unreplicated_starts_;            // their first offsets
  std::size_t crowded_beyond_ = 0;                  // so many producers were found to keep their places
  TransactionVerification verification_;
  Offset end_offset_{0};
};

}  // namespace millrace::log
