// A shard that runs when it is told to, on the caller's thread, with a clock that stands still: for unit tests of what lives on
// shards, and the seed of the simulator's scheduler.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <utility>

#include "broker/base/clock.h"
#include "broker/base/shard.h"

namespace millrace {

class ManualShard final : public Shard {
 public:
  explicit ManualShard(ShardId id = 0) : id_(id), pool_(*this) {}

  [[nodiscard]] ShardId id() const override { return id_; }
  [[nodiscard]] bool is_current() const override { return running_; }
  void post(Job job) override;  // any thread
  TimerId after(Duration delay, Job job) override;
  void cancel(TimerId timer) override;
  [[nodiscard]] const Clock& clock() const override { return clock_; }
  [[nodiscard]] BlockingPool& pool() override { return pool_; }

  [[nodiscard]] ManualClock& manual_clock() { return clock_; }

  // Runs what is posted, and what that posts, until nothing is left. Returns how many jobs ran. Timers stay.
  std::size_t run();
  // Moves the clock on in steps from timer to timer, running each when it is due, and what is posted in between.
  void advance(Duration duration);
  // Runs until `done()` is true, waiting for other threads (a store's, a pool's) to post; false after `timeout` of real time.
  template <class Done>
  bool run_until(Done done, Duration timeout = std::chrono::seconds(30)) {
    SystemClock real;
    auto deadline = real.now() + timeout;
    while (!done()) {
      if (run() == 0 && !wait_for_post(real, deadline)) return done();
    }
    return true;
  }

 private:
  // Runs blocking work as one more job of the shard: later than now, and in order.
  class InlinePool final : public BlockingPool {
   public:
    explicit InlinePool(ManualShard& shard) : shard_(shard) {}
    void submit(Job work) override { shard_.post(std::move(work)); }

   private:
    ManualShard& shard_;
  };

  bool wait_for_post(const Clock& real, MonotonicTime deadline);

  const ShardId id_;
  ManualClock clock_;
  InlinePool pool_;
  bool running_ = false;
  std::mutex mutex_;
  std::deque<Job> jobs_;
  TimerId next_timer_ = 1;
  std::map<std::pair<MonotonicTime, TimerId>, Job> timers_;
};

}  // namespace millrace
