#include "broker/log/tail_positions.h"

#include <utility>

namespace millrace::log {

void TailPositions::add(const TailBatch& batch) {
  if (ring_.size() < capacity) {
    ring_.push_back(batch);
    return;
  }
  ring_[first_] = batch;
  first_ = (first_ + 1) % capacity;
}

void TailPositions::forget_below(Offset segment) {
  std::vector<TailBatch> kept;
  for (std::size_t number = 0; number < ring_.size(); ++number) {
    if (at(number).segment >= segment) kept.push_back(at(number));
  }
  ring_ = std::move(kept);
  first_ = 0;
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
