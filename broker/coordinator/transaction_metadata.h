// What a coordinator knows of one transactional id, and the transitions between two of its states: each makes the
// target that is to be stored; the id takes it over when the record is appended, never before.
//
// Values without I/O and clock. Owned by the shard of the coordinator's partition. Error codes are Kafka's, because its
// coordinator decides on them in this place. Source: kafka.coordinator.transaction.TransactionMetadata; KIP-98, KIP-360
// (expected epochs).
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "broker/base/types.h"
#include "broker/coordinator/transaction_state.h"
#include "broker/protocol/error_code.h"

namespace millrace::coordinator {

struct TransactionMetadata {
  ProducerId producer_id = ProducerId::none();
  ProducerId last_producer_id = ProducerId::none();  // before the newest InitProducerId
  ProducerEpoch producer_epoch = ProducerEpoch::none();
  ProducerEpoch last_producer_epoch = ProducerEpoch::none();  // whose owner may ask again for the answer that it missed
  std::int32_t timeout_ms = 0;
  TransactionState state = TransactionState::empty;
  std::vector<TopicPartition>
      partitions{};  // of the open transaction, those whose marker is missing; ascending, each once
  TimestampMs start = TimestampMs::none();        // of the newest transaction
  TimestampMs last_update = TimestampMs::none();  // counts for the id's expiry

  friend bool operator==(const TransactionMetadata&, const TransactionMetadata&) = default;
};

// The largest epoch is never given to a client, so that whoever has the one before it can still be fenced.
constexpr bool is_exhausted(ProducerEpoch epoch) {
  return epoch.value() >= std::numeric_limits<std::int16_t>::max() - 1;
}

// The producer id and epoch that a client says it has (KIP-360).
struct ExpectedProducer {
  ProducerId id;
  ProducerEpoch epoch;
};

// A transactional id: what is stored of it, and what is being stored.
class TransactionEntry {
 public:
  explicit TransactionEntry(TransactionMetadata stored) : stored_(std::move(stored)) {}

  [[nodiscard]] const TransactionMetadata& stored() const { return stored_; }
  // A record is on its way; until it has arrived nothing else may change the id (CONCURRENT_TRANSACTIONS).
  [[nodiscard]] bool is_pending() const { return target_ != nullptr; }
  [[nodiscard]] const TransactionMetadata& target() const { return *target_; }

  // InitProducerId in an idle state. Whether a new producer id is needed; it goes to rotate.
  [[nodiscard]] bool needs_producer_id(const std::optional<ExpectedProducer>& expected) const;
  // Whether the client that expects this producer may go on at all.
  [[nodiscard]] bool allows(const ExpectedProducer& expected) const;
  // Errors: PRODUCER_FENCED; UNKNOWN_SERVER_ERROR, as in Kafka, when the epochs are used up and the client expects an
  // older one.
  [[nodiscard]] protocol::ErrorCode bump_epoch(const std::optional<ExpectedProducer>& expected, std::int32_t timeout_ms,
                                               TimestampMs now);
  void rotate(ProducerId id, bool expected, std::int32_t timeout_ms, TimestampMs now);
  // To ongoing, with these partitions besides those that are there. `added` is ascending.
  void add_partitions(const std::vector<TopicPartition>& added, TimestampMs now);
  void prepare(bool commit, TimestampMs now);
  // Aborts with a larger epoch, so that the producer is fenced. False when there is no larger one, which no client can
  // bring about.
  [[nodiscard]] bool prepare_fence(TimestampMs now);
  // All markers are sent for, and when they are written the target is stored.
  void complete(TimestampMs now);
  void expire();

  // The target is stored.
  void take_target();
  // It is not. A fence that failed keeps its epoch, which nobody has seen: the next attempt does not go beyond it.
  void drop_target(bool was_fence);

  // The marker of this partition is written or not needed.
  void remove_partition(const TopicPartition& partition);

 private:
  void aim_at(TransactionMetadata target);

  TransactionMetadata stored_;
  std::unique_ptr<TransactionMetadata> target_;
  bool has_failed_fence_ = false;
};

}  // namespace millrace::coordinator
