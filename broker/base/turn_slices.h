// Keeps a long loop of a coroutine from holding up its shard: when a slice of time is used up, the rest runs in the shard's next
// turn, behind what others wait for. Of all such loops of a shard one has a slice in each turn (Shard::run_aside).
//
//   TurnSlices slices(shard);
//   for (...) {
//     co_await slices.next();
//     ...
//   }
//
// Owned by the coroutine; on its shard only. The time between is not on the coroutine's account (work_account.h).
#pragma once

#include <coroutine>
#include <utility>

#include "broker/base/clock.h"
#include "broker/base/shard.h"
#include "broker/base/work_account.h"

namespace millrace {

class TurnSlices {
 public:
  explicit TurnSlices(Shard& shard) : shard_(shard), began_(shard.clock().now()) {}

  struct Awaiter {
    TurnSlices& slices;

    [[nodiscard]] bool await_ready() const { return !slices.used_up(); }
    void await_suspend(std::coroutine_handle<> awaiting) const { slices.go_on_later(awaiting); }
    void await_resume() const noexcept {}
  };
  // Before each step of the loop; a step is short.
  [[nodiscard]] Awaiter next() { return {*this}; }

 private:
  [[nodiscard]] bool used_up() const { return shard_.clock().now() - began_ >= shard_.slice(); }

  void go_on_later(std::coroutine_handle<> awaiting) {
    shard_.run_aside([this, awaiting, account = WorkScope::current()]() mutable {
      const WorkScope scope(std::move(account));
      began_ = shard_.clock().now();
      awaiting.resume();
    });
  }

  Shard& shard_;
  MonotonicTime began_;
};

}  // namespace millrace
