// One thread of a simulated process that is a shard, or one pool of threads.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "test/sim/simulated_scheduler.h"

namespace millrace::sim {

class Executor {
 public:
  // A shard has one thread, which serves each sender's mail in order and the senders in any, and timers. The threads of
  // a pool take jobs in order and come to them in any.
  Executor(SimulatedScheduler& scheduler, std::string name, std::uint64_t threads, bool is_shard);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  void post(Job job);
  Shard::TimerId after(Duration delay, Job job);
  void cancel(Shard::TimerId timer);
  [[nodiscard]] bool is_current() const;
  // What is queued is destroyed, and nothing is taken any more.
  void stop();
  [[nodiscard]] bool is_idle() const { return mail_.empty() && timers_.empty() && busy_ == 0; }

 private:
  friend class SimulatedScheduler;

  struct Mail {
    std::uint64_t from;
    MonotonicTime not_before;
    Job job;
  };

  void receive(std::uint64_t from, MonotonicTime not_before, Job job);
  // What the next free thread may take up at some time: numbers in mail_.
  [[nodiscard]] std::vector<std::size_t> next_mail() const;
  [[nodiscard]] MonotonicTime next_moment() const;  // at which it has something to do
  // One that is ready, by chance.
  Job take(MonotonicTime now, Random& random);

  SimulatedScheduler& scheduler_;
  const std::string name_;
  const std::uint64_t threads_;
  const bool is_shard_;
  bool stopped_ = false;
  std::uint64_t busy_ = 0;
  std::deque<Mail> mail_;
  Shard::TimerId next_timer_ = 1;
  std::map<std::pair<MonotonicTime, Shard::TimerId>, Job> timers_;
};

}  // namespace millrace::sim
