#include "broker/log/producer_entry.h"

#include <algorithm>

#include "broker/protocol/record_batch.h"

namespace millrace::log {

Sequence ProducerBatch::first_sequence() const {
  static constexpr std::int64_t ring = std::int64_t{1} << 31;
  auto first = (std::int64_t{last_sequence.value()} - offset_delta) % ring;
  return Sequence(static_cast<std::int32_t>(first < 0 ? first + ring : first));
}

void ProducerBatches::add(const ProducerBatch& batch) {
  if (count_ == capacity) {
    std::shift_left(batches_.begin(), batches_.end(), 1);
    --count_;
  }
  batches_[count_++] = batch;
}

const ProducerBatch* ProducerBatches::find(Sequence first, Sequence last) const {
  for (std::size_t number = 0; number < count_; ++number) {
    if (batches_[number].last_sequence == last && batches_[number].first_sequence() == first) return &batches_[number];
  }
  return nullptr;
}

void ProducerEntry::change_epoch(ProducerEpoch new_epoch) {
  if (epoch == new_epoch) return;
  batches.clear();
  epoch = new_epoch;
}

}  // namespace millrace::log
