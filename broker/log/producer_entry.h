// What a partition's log remembers of one idempotent or transactional producer: its epoch, its newest batches, its open
// transaction (Kafka: ProducerStateEntry, BatchMetadata; KIP-98).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "broker/base/types.h"

namespace millrace::log {

struct ProducerBatch {
  Sequence last_sequence;
  Offset last_offset;
  std::int32_t offset_delta = 0;  // last offset - first offset
  TimestampMs timestamp;          // the batch's largest

  [[nodiscard]] Offset first_offset() const { return last_offset - std::int64_t{offset_delta}; }
  [[nodiscard]] Sequence first_sequence() const;  // wraps as sequences do

  friend bool operator==(const ProducerBatch&, const ProducerBatch&) = default;
};

// The newest batches of one epoch, oldest first, at most `capacity`: retries of one of them are recognised.
class ProducerBatches {
 public:
  static constexpr std::size_t capacity = 5;

  void add(const ProducerBatch& batch);
  void clear() { count_ = 0; }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] const ProducerBatch& operator[](std::size_t number) const { return batches_[number]; }
  [[nodiscard]] const ProducerBatch& newest() const { return batches_[count_ - 1]; }
  [[nodiscard]] const ProducerBatch* find(Sequence first, Sequence last) const;

 private:
  std::array<ProducerBatch, capacity> batches_;
  std::size_t count_ = 0;
};

struct ProducerEntry {
  ProducerId id;
  ProducerEpoch epoch = ProducerEpoch::none();
  std::int32_t coordinator_epoch = -1;  // of the last transaction marker
  TimestampMs last_timestamp = TimestampMs::none();
  std::optional<Offset> transaction_first_offset;  // while a transaction is open
  ProducerBatches batches;

  [[nodiscard]] Sequence last_sequence() const {
    return batches.empty() ? Sequence::none() : batches.newest().last_sequence;
  }
  [[nodiscard]] Offset last_offset() const { return batches.empty() ? Offset::none() : batches.newest().last_offset; }
  // Another epoch than the one remembered: its batches are no longer of interest.
  void change_epoch(ProducerEpoch new_epoch);
};

}  // namespace millrace::log
