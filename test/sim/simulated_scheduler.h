// The seeded scheduler: every shard, pool thread and timer of one or more simulated processes, on one real thread and
// one clock that jumps to the next moment at which something happens. Which of the jobs that could run runs next is
// chosen by the seed, so that one seed is one run, byte for byte, and many seeds are many interleavings.
//
// What a job does happens at the moment at which it runs; how long it then takes (take_time, block_on: a disk's calls)
// decides when its thread is free again and when others hear of it: what it has posted is delivered at its end. Two
// jobs of a pool may so overtake each other before they begin, and their answers afterwards; within a job nobody else
// runs.
//
// One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/random.h"
#include "broker/base/shard.h"

namespace millrace::sim {

// One thread, or one pool of them, of a simulated process. Owned by SimulatedShards.
class Executor;

// The seed of a test's run: MILLRACE_SEED where that is set, `otherwise` elsewhere.
std::uint64_t seed_of_run(std::uint64_t otherwise);

class SimulatedScheduler {
 public:
  explicit SimulatedScheduler(std::uint64_t seed);
  ~SimulatedScheduler();
  SimulatedScheduler(const SimulatedScheduler&) = delete;
  SimulatedScheduler& operator=(const SimulatedScheduler&) = delete;

  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }
  // Of the schedule alone. Who is simulated takes another one, so that what it asks does not depend on who else runs.
  [[nodiscard]] Random& random() { return random_; }

  // Runs one job; where none is ready, time passes up to the next moment at which one is. False: nothing is left to
  // wait for.
  bool step() { return step_before(MonotonicTime::max()); }
  // Until nothing is ready at this moment.
  void run_ready();
  // Everything of the next `duration`.
  void run_for(Duration duration);
  // Until `done()` is true; false when it is not after `limit` of simulated time, or nothing is left.
  template <class Done>
  bool run_until(Done done, Duration limit = std::chrono::hours(1)) {
    const auto end = clock_.now() + limit;
    while (!done()) {
      if (step_before(end)) continue;
      if (clock_.now() < end) clock_.advance(end - clock_.now());
      return done();
    }
    return true;
  }

  // The job that runs takes so long. Without one: time passes.
  void take_time(Duration duration);
  // The job that runs is not over before release(`gate`).
  void block_on(const std::string& gate);
  void release(const std::string& gate);

  // A number for all that has run so far and when.
  [[nodiscard]] std::uint64_t fingerprint() const { return fingerprint_; }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  // A line of one's own among the last events.
  void note(const std::string& what);
  // The seed and the last events: for the message of a failure.
  [[nodiscard]] std::string story() const;

 private:
  friend class Executor;
  struct Mail {
    Executor* to;
    std::uint64_t from;
    Job job;
  };
  // A job that has done its work and is not over.
  struct Running {
    Executor* executor;
    std::uint64_t thread;  // of the executor
    std::uint64_t number;  // of the job
    MonotonicTime end;
    std::string gate;  // not empty: not before it is released
    std::vector<Mail> outbox;
  };

  bool step_before(MonotonicTime end);
  void run(Executor& executor);
  void over(Running running);
  void deliver(Mail mail);
  void post(Executor& to, Job job);
  void drop_mail(const Executor& executor);
  void remove(Executor& executor);
  [[nodiscard]] MonotonicTime next_moment() const;

  const std::uint64_t seed_;
  SeededRandom random_;
  ManualClock clock_;
  std::vector<Executor*> executors_;
  std::vector<Running> running_;  // by no order
  Running* current_ = nullptr;
  std::uint64_t steps_ = 0;
  std::uint64_t fingerprint_ = 14695981039346656037ULL;
  std::deque<std::string> events_;
};

}  // namespace millrace::sim
