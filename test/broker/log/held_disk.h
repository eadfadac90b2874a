// A shard whose blocking work waits, as for a disk that is busy, while a test says so; and then the answer waits.
#pragma once

#include <deque>
#include <utility>

#include "broker/base/manual_shard.h"

namespace millrace::log::test {

class HeldDisk final : public Shard {
 public:
  explicit HeldDisk(ManualShard& shard) : shard_(shard), pool_(*this) {}

  [[nodiscard]] ShardId id() const override { return shard_.id(); }
  [[nodiscard]] bool is_current() const override { return shard_.is_current(); }
  void post(Job job) override {
    if (!working_) return shard_.post(std::move(job));
    answers_.push_back(std::move(job));
  }
  TimerId after(Duration delay, Job job) override { return shard_.after(delay, std::move(job)); }
  void cancel(TimerId timer) override { shard_.cancel(timer); }
  [[nodiscard]] const Clock& clock() const override { return shard_.clock(); }
  [[nodiscard]] BlockingPool& pool() override { return pool_; }

  void hold() { held_ = true; }
  // Does the first piece of work that waits; nobody hears of it. False: there is none.
  bool work() {
    if (waiting_.empty()) return false;
    auto work = std::move(waiting_.front());
    waiting_.pop_front();
    working_ = true;
    work();
    working_ = false;
    return true;
  }
  // The shard hears of what was done, and goes on.
  void answer() {
    for (; !answers_.empty(); answers_.pop_front()) shard_.post(std::move(answers_.front()));
    shard_.run();
  }
  // From now on nothing waits any more; what did is done.
  void unhold() {
    while (work()) answer();
    held_ = false;
  }
  // Forgets what waits, as a crash does.
  void release() {
    held_ = false;
    waiting_.clear();
    answers_.clear();
  }

 private:
  class Pool final : public BlockingPool {
   public:
    explicit Pool(HeldDisk& disk) : disk_(disk) {}
    void submit(Job work) override {
      if (!disk_.held_) return disk_.shard_.pool().submit(std::move(work));
      disk_.waiting_.push_back(std::move(work));
    }

   private:
    HeldDisk& disk_;
  };

  ManualShard& shard_;
  Pool pool_;
  bool held_ = false;
  bool working_ = false;
  std::deque<Job> waiting_;
  std::deque<Job> answers_;
};

}  // namespace millrace::log::test
