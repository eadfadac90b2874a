// A bound on the bytes of requests in flight over all shards: bytes are taken before they are allocated, and who finds none
// left waits in line until others give some back (Kafka: queued.max.request.bytes, SimpleMemoryPool).
//
// Two lines, each first come first served: those in the middle of a frame go before those at the start of one. Frames that
// each hold a part and wait for the rest could wait for each other for ever; so while no more than the capacity is in use, the
// first in the middle of a frame is given all of its rest at once, even beyond the capacity:
//   in use <= capacity + one frame.
// What is made of a whole frame, its arrays and large answers, is taken beyond the capacity too, because nothing may wait there; with it
//   in use <= 2 * capacity + one frame,
// and a quarter of the capacity more that only takes small pieces: who asks for much cannot keep others from what they need for little.
// Any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <utility>

#include "broker/base/unique_function.h"

namespace millrace::network {

class MemoryBudget;

// Bytes taken from a budget; given back when it dies.
class MemoryCharge {
 public:
  MemoryCharge() = default;
  MemoryCharge(MemoryCharge&& other) noexcept
      : budget_(std::move(other.budget_)), bytes_(std::exchange(other.bytes_, 0)) {}
  MemoryCharge& operator=(MemoryCharge&& other) noexcept;
  MemoryCharge(const MemoryCharge&) = delete;
  MemoryCharge& operator=(const MemoryCharge&) = delete;
  ~MemoryCharge() { give_back(); }

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  // Null for an empty charge.
  [[nodiscard]] const std::shared_ptr<MemoryBudget>& budget() const { return budget_; }
  void give_back();
  // Takes over what `other` paid, of the same budget.
  void merge(MemoryCharge other);

 private:
  friend class MemoryBudget;
  MemoryCharge(std::shared_ptr<MemoryBudget> budget, std::uint64_t bytes) : budget_(std::move(budget)), bytes_(bytes) {}

  std::shared_ptr<MemoryBudget> budget_;
  std::uint64_t bytes_ = 0;
};

class MemoryBudget : public std::enable_shared_from_this<MemoryBudget> {
 public:
  using Ticket = std::uint64_t;
  // Called once with the bytes, on the thread that freed them: it only posts to its shard.
  using Granted = UniqueFunction<void(MemoryCharge)>;

  static std::shared_ptr<MemoryBudget> make(std::uint64_t capacity_bytes);

  // An empty charge when there are not enough bytes or others wait in line.
  MemoryCharge try_take(std::uint64_t bytes);

  // Takes bytes without standing in line; an empty charge where more than beyond_bytes() are asked for.
  MemoryCharge take_beyond(std::uint64_t bytes);
  [[nodiscard]] std::uint64_t beyond_bytes() const;
  [[nodiscard]] std::uint64_t small_piece_bytes() const {
    return std::min(capacity_bytes_ / 256, std::uint64_t{64} << 10);
  }

  // Stands in line at the start of a frame for `bytes` (at most the capacity).
  Ticket wait(std::uint64_t bytes, Granted granted);
  // Stands in line in the middle of a frame: granted `bytes`, or all of `rest_bytes` where the line is stuck.
  Ticket wait_for_rest(std::uint64_t bytes, std::uint64_t rest_bytes, Granted granted);
  // Leaves the line. Too late when the bytes were granted already.
  void cancel(Ticket ticket);

  [[nodiscard]] std::uint64_t capacity_bytes() const { return capacity_bytes_; }
  [[nodiscard]] std::uint64_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t waiting() const { return waiting_.load(std::memory_order_relaxed); }

 private:
  friend class MemoryCharge;
  struct Waiter {
    Ticket ticket;
    std::uint64_t bytes;
    std::uint64_t rest_bytes;
    Granted granted;
  };
  using Line = std::list<Waiter>;

  explicit MemoryBudget(std::uint64_t capacity_bytes) : capacity_bytes_(capacity_bytes) {}

  bool take(std::uint64_t bytes);
  void give_back(std::uint64_t bytes);
  Ticket stand_in(Line& line, std::uint64_t bytes, std::uint64_t rest_bytes, Granted granted);
  void grant_what_fits();
  std::uint64_t next_grant(Line*& line);

  const std::uint64_t capacity_bytes_;
  std::atomic<std::uint64_t> used_bytes_{0};
  std::atomic<std::size_t> waiting_{0};
  std::mutex mutex_;
  Line middle_of_frame_;
  Line start_of_frame_;
  Ticket last_ticket_ = 0;
};

}  // namespace millrace::network
