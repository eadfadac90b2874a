// A fetch that waits for more records (Kafka: DelayedFetch): over all its partitions, whichever shards own them, until enough
// bytes have come, its time is over or something about a partition changed.
//
// One is shared by the shard of the connection (its home, where it wakes) and the owners of its partitions. The counter is
// atomic, so that an append costs the waiting fetch one subtraction and only the last one a message.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "broker/base/shard.h"

namespace millrace::replication {

class FetchWait : public std::enable_shared_from_this<FetchWait> {
 public:
  // `wake` runs once, on `home`.
  FetchWait(Shard& home, std::int64_t missing_bytes, Job wake)
      : home_(home), missing_bytes_(missing_bytes), wake_(std::move(wake)) {}

  // `bytes` more can be read. Any shard.
  void add(std::int64_t bytes) {
    if (missing_bytes_.fetch_sub(bytes, std::memory_order_acq_rel) <= bytes) fire();
  }

  // Wakes now: the time is over, the connection is gone, or a partition has another leader. Any shard; the second call does nothing.
  void fire() {
    if (fired_.exchange(true, std::memory_order_acq_rel)) return;
    home_.post([self = shared_from_this()] { std::exchange(self->wake_, nullptr)(); });
  }

  // Wakes because records came between the reading and the waiting: nobody has counted them, so the fetch is to look again,
  // and to wait again where they are too few. Any shard.
  void look_again() {
    must_look_again_.store(true, std::memory_order_relaxed);
    fire();
  }

  [[nodiscard]] bool must_look_again() const { return must_look_again_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool fired() const { return fired_.load(std::memory_order_acquire); }

 private:
  Shard& home_;
  std::atomic<std::int64_t> missing_bytes_;
  std::atomic<bool> fired_{false};
  std::atomic<bool> must_look_again_{false};
  Job wake_;
};

using FetchWaitPointer = std::shared_ptr<FetchWait>;

}  // namespace millrace::replication
