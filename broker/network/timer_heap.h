// The timers of one shard: a binary heap by deadline, and by order of creation where deadlines are equal. Adding, cancelling and
// expiring cost O(log n), and a cancelled timer leaves nothing behind. Owned by its shard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "broker/base/shard.h"

namespace millrace::network {

class TimerHeap {
 public:
  Shard::TimerId add(MonotonicTime deadline, Job job);
  // Unknown and expired ids are ignored.
  void cancel(Shard::TimerId timer);
  // The next job whose deadline is not after `now`, removed; an empty one when there is none.
  Job take_due(MonotonicTime now);
  // Removed jobs, in no order.
  std::vector<Job> take_all();

  [[nodiscard]] std::optional<MonotonicTime> next_deadline() const;
  [[nodiscard]] std::size_t size() const { return heap_.size(); }

 private:
  // An id is a slot and the slot's generation, so that it names one timer for ever.
  static constexpr unsigned slot_bits = 24;
  static constexpr std::uint64_t generation_end = std::uint64_t{1} << (64 - slot_bits);

  struct Entry {
    MonotonicTime deadline;
    std::uint64_t order;
    std::uint32_t slot;

    friend bool operator<(const Entry& left, const Entry& right) {
      return left.deadline != right.deadline ? left.deadline < right.deadline : left.order < right.order;
    }
  };
  struct Slot {
    Job job;
    std::uint64_t generation = 0;
    std::size_t at = 0;  // in the heap
    bool in_use = false;
  };

  std::uint32_t free_slot();
  Job remove(std::size_t at);
  void place(std::size_t at, Entry entry);
  void sift_up(std::size_t at, Entry entry);
  void sift_down(std::size_t at, Entry entry);

  std::vector<Entry> heap_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::uint64_t next_order_ = 0;
};

}  // namespace millrace::network
