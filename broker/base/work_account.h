// For whom the shards work: time is charged to the account of the scope that is open, whatever the shard. A coroutine
// that waits keeps its account and opens it again when it goes on (task.h); who sends work to another shard opens it
// there.
//
// Nothing is measured while no account is open.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include "broker/base/clock.h"

namespace millrace {

// Any thread.
class WorkAccount {
 public:
  void charge(Duration time) { nanoseconds_.fetch_add(time.count(), std::memory_order_relaxed); }
  [[nodiscard]] Duration total() const { return Duration(nanoseconds_.load(std::memory_order_relaxed)); }

 private:
  std::atomic<std::int64_t> nanoseconds_{0};
};

using WorkAccountPointer = std::shared_ptr<WorkAccount>;  // null: nobody's

// Opens an account on this thread until it dies; the time of the one that was open stands still meanwhile.
class [[nodiscard]] WorkScope {
 public:
  explicit WorkScope(WorkAccountPointer account) {
    auto& open = opened();
    is_idle_ = account == open.account;
    if (is_idle_) return;
    const auto now = std::chrono::steady_clock::now();
    if (open.account) open.account->charge(now - open.since);
    interrupted_ = std::exchange(open.account, std::move(account));
    open.since = now;
  }
  WorkScope(const WorkScope&) = delete;
  WorkScope& operator=(const WorkScope&) = delete;
  ~WorkScope() {
    if (is_idle_) return;
    auto& open = opened();
    const auto now = std::chrono::steady_clock::now();
    if (open.account) open.account->charge(now - open.since);
    open = {std::move(interrupted_), now};
  }

  // Whose time runs now.
  [[nodiscard]] static const WorkAccountPointer& current() { return opened().account; }
  // What the account that is open has used, up to now.
  [[nodiscard]] static Duration used_so_far() {
    auto& open = opened();
    if (!open.account) return Duration::zero();
    const auto now = std::chrono::steady_clock::now();
    open.account->charge(now - std::exchange(open.since, now));
    return open.account->total();
  }

 private:
  struct Open {
    WorkAccountPointer account;
    MonotonicTime since{};
  };
  static Open& opened() {
    static thread_local Open open;
    return open;
  }

  WorkAccountPointer interrupted_;
  bool is_idle_ = false;
};

}  // namespace millrace
