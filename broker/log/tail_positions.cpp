#include "broker/log/tail_positions.h"

namespace millrace::log {

void TailPositions::add(const TailBatch& batch) {
  if (ring_.size() < capacity) {
    ring_.push_back(batch);
    return;
  }
  ring_[first_] = batch;
  first_ = (first_ + 1) % capacity;
}

const TailBatch* TailPositions::find(Offset offset) const {
  if (ring_.empty() || offset < at(0).base_offset || offset > at(ring_.size() - 1).last_offset) return nullptr;
  std::size_t low = 0;
  for (auto high = ring_.size() - 1; low < high;) {
    auto middle = low + (high - low) / 2;
    (at(middle).last_offset < offset ? low = middle + 1 : high = middle);
  }
  return &at(low);
}

}  // namespace millrace::log
