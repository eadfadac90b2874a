#include "broker/network/timer_heap.h"

#include <utility>

#include "broker/base/check.h"

namespace millrace::network {

Shard::TimerId TimerHeap::add(MonotonicTime deadline, Job job) {
  auto index = free_slot();
  auto& slot = slots_[index];
  slot.job = std::move(job);
  slot.in_use = true;
  ++slot.generation;
  heap_.emplace_back();
  sift_up(heap_.size() - 1, Entry{deadline, next_order_++, index});
  return (slot.generation << slot_bits) | index;
}

void TimerHeap::cancel(Shard::TimerId timer) {
  auto index = timer & ((std::uint64_t{1} << slot_bits) - 1);
  if (index >= slots_.size()) return;
  const auto& slot = slots_[index];
  if (!slot.in_use || slot.generation != timer >> slot_bits) return;
  // The job dies after the heap is whole again: its destructor may use the heap.
  auto job = remove(slot.at);
}

Job TimerHeap::take_due(MonotonicTime now) {
  if (heap_.empty() || heap_.front().deadline > now) return nullptr;
  return remove(0);
}

std::vector<Job> TimerHeap::take_all() {
  std::vector<Job> jobs;
  jobs.reserve(heap_.size());
  while (!heap_.empty()) jobs.push_back(remove(heap_.size() - 1));
  return jobs;
}

std::optional<MonotonicTime> TimerHeap::next_deadline() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().deadline;
}

std::uint32_t TimerHeap::free_slot() {
  if (!free_.empty()) {
    auto index = free_.back();
    free_.pop_back();
    return index;
  }
  MILLRACE_INVARIANT(slots_.size() < (std::size_t{1} << slot_bits), "a shard has more timers than it can name");
  slots_.emplace_back();
  return static_cast<std::uint32_t>(slots_.size() - 1);
}

Job TimerHeap::remove(std::size_t at) {
  auto& slot = slots_[heap_[at].slot];
  Job job = std::move(slot.job);
  slot.in_use = false;
  // A slot whose generations are used up is retired, so that no id ever comes back.
  if (slot.generation + 1 < generation_end) free_.push_back(heap_[at].slot);
  auto last = heap_.back();
  heap_.pop_back();
  if (at < heap_.size()) {
    if (at > 0 && last < heap_[(at - 1) / 2]) {
      sift_up(at, last);
    } else {
      sift_down(at, last);
    }
  }
  return job;
}

void TimerHeap::place(std::size_t at, Entry entry) {
  heap_[at] = entry;
  slots_[entry.slot].at = at;
}

void TimerHeap::sift_up(std::size_t at, Entry entry) {
  while (at > 0) {
    auto parent = (at - 1) / 2;
    if (!(entry < heap_[parent])) break;
    place(at, heap_[parent]);
    at = parent;
  }
  place(at, entry);
}

void TimerHeap::sift_down(std::size_t at, Entry entry) {
  for (;;) {
    auto child = 2 * at + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1] < heap_[child]) ++child;
    if (!(heap_[child] < entry)) break;
    place(at, heap_[child]);
    at = child;
  }
  place(at, entry);
}

}  // namespace millrace::network
