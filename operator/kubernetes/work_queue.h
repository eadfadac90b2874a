// The keys that wait to be reconciled. A key is never handed out twice at once: added while it is being processed, it
// comes again after done(). Failures back off per key; all retries together pass one token bucket. As client-go's
// workqueue.
//
//   waiting --(time)--> ready --get()--> processing --done()--> gone, or ready again if it was added meanwhile
//
// Any thread. get() blocks; shut_down() wakes everybody.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "broker/base/clock.h"
#include "operator/kubernetes/object_reference.h"

namespace millrace::kubernetes {

struct WorkQueueLimits {
  Duration backoff_min = std::chrono::milliseconds(5);
  // client-go has 1000 s here. What failed may be mended by something that no watch announces: a quota, a right, a
  // storage class.
  Duration backoff_max = std::chrono::seconds(60);
  double retries_per_second = 10;
  double retries_burst = 100;
};

class WorkQueue {
 public:
  explicit WorkQueue(const Clock& clock, const WorkQueueLimits& limits = {});

  // At once, unless it is waiting to be handed out already.
  void add(const ObjectKey& key);
  // Not before the time has passed. Of several times for one key the earliest counts.
  void add_after(const ObjectKey& key, Duration delay);
  // After a failure: later with every call since the last forget(), and no faster than the bucket allows.
  void add_with_backoff(const ObjectKey& key);
  // The key's next failure counts as its first.
  void forget(const ObjectKey& key);
  [[nodiscard]] std::uint32_t failures(const ObjectKey& key) const;

  // Blocks until a key is ready; nothing after shut_down(). Every key that is handed out is given back by done().
  [[nodiscard]] std::optional<ObjectKey> get();
  // The same without blocking.
  [[nodiscard]] std::optional<ObjectKey> try_get();
  void done(const ObjectKey& key);

  // No more keys come in or out; those under way are finished by their workers.
  void shut_down();

  [[nodiscard]] std::size_t ready_count() const;
  [[nodiscard]] std::size_t waiting_count() const;

 private:
  void add_locked(const ObjectKey& key);
  void add_after_locked(const ObjectKey& key, Duration delay);
  void promote_due_locked();
  std::optional<ObjectKey> take_locked();
  Duration bucket_delay_locked();

  const Clock& clock_;
  WorkQueueLimits limits_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool shut_down_ = false;
  std::deque<ObjectKey> ready_;
  std::unordered_set<ObjectKey> dirty_;
  std::unordered_set<ObjectKey> processing_;
  std::set<std::pair<MonotonicTime, ObjectKey>> waiting_;
  std::unordered_map<ObjectKey, MonotonicTime> due_;
  std::unordered_map<ObjectKey, std::uint32_t> failures_;
  double tokens_;
  MonotonicTime tokens_at_;
};

}  // namespace millrace::kubernetes
