// Where the newest batches of a log are: a consumer that keeps up is answered from here, without a look at index or file.
// Bounded; the oldest are forgotten. Owned by the log's shard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "broker/base/types.h"

namespace millrace::log {

struct TailBatch {
  Offset base_offset;
  Offset last_offset;
  Offset segment;  // base offset of the segment it is in
  std::uint32_t position = 0;
  std::uint32_t size_bytes = 0;
};

class TailPositions {
 public:
  static constexpr std::size_t capacity = 128;

  void add(const TailBatch& batch);
  // The first batch whose last offset is at least `offset`. Null when there is none, or when an older batch than those that are
  // remembered might be the one.
  [[nodiscard]] const TailBatch* find(Offset offset) const;
  // Forgets the batches of segments that start below `segment`, because they were removed or others have taken their places.
  void forget_below(Offset segment);
  void clear() {
    ring_.clear();
    first_ = 0;
  }
  [[nodiscard]] std::size_t size() const { return ring_.size(); }

 private:
  [[nodiscard]] const TailBatch& at(std::size_t number) const { return ring_[(first_ + number) % ring_.size()]; }

  std::vector<TailBatch> ring_;
  std::size_t first_ = 0;
};

}  // namespace millrace::log
