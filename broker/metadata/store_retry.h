// Asking again after a lost connection, for operations that may be done twice.
#pragma once

#include <algorithm>
#include <chrono>

#include "broker/base/clock.h"
#include "broker/base/shard.h"
#include "broker/base/task.h"
#include "broker/metadata/metadata_store.h"

namespace millrace::metadata {

// Waits between attempts, longer each time, until so much time is spent. One for each thing that is tried.
class StoreRetry {
 public:
  explicit StoreRetry(Shard& shard, Duration patience = std::chrono::seconds(30))
      : shard_(shard), deadline_(shard.clock().now() + patience) {}

  // Whether `error` may pass and there is time left.
  [[nodiscard]] bool worth_it(const Error& error) const {
    bool passes = error.kind == ErrorKind::connection_loss || error.kind == ErrorKind::resource_exhausted;
    return passes && shard_.clock().now() < deadline_;
  }
  // To be awaited on the shard before the next attempt.
  auto pause() {
    auto delay = delay_;
    delay_ = std::min<Duration>(delay_ * 2, std::chrono::seconds(1));
    return completion<bool>([this, delay](UniqueFunction<void(bool)> done) {
      shard_.after(delay, [done = std::move(done)]() mutable { done(true); });
    });
  }

 private:
  Shard& shard_;
  MonotonicTime deadline_;
  Duration delay_ = std::chrono::milliseconds(20);
};

}  // namespace millrace::metadata
