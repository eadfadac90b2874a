// The seam between the engine and the machine's threads. A shard is one thread with one event loop that runs tasks to
// completion; what a shard owns is touched by its own tasks only, so nothing in it is locked. The network layer implements
// shards on epoll, a test or the simulator on a queue and a manual clock (manual_shard.h).
//
// Nothing that runs on a shard blocks. What does block (fsync, cold reads, deletes, recovery) goes to the BlockingPool, and what
// computes for longer than a shard's other work may wait (records that are decompressed, converted, searched) to the workers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "broker/base/clock.h"
#include "broker/base/unique_function.h"

namespace millrace {

using ShardId = std::uint32_t;
using Job = UniqueFunction<void()>;

// Threads of their own for calls that block. Any thread may submit.
class BlockingPool {
 public:
  BlockingPool() = default;
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  virtual ~BlockingPool() = default;  // runs what was submitted, then joins

  // Runs `work` on one of the pool's threads. To come back to a shard, `work` posts to it.
  virtual void submit(Job work) = 0;
};

class Shard {
 public:
  using TimerId = std::uint64_t;  // never 0, never reused
  static constexpr Duration usual_slice = std::chrono::microseconds(100);

  Shard() = default;
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  virtual ~Shard() = default;

  [[nodiscard]] virtual ShardId id() const = 0;
  // True in tasks of this shard.
  [[nodiscard]] virtual bool is_current() const = 0;

  // Runs `job` later on this shard. Any thread. Jobs posted from one shard to another keep their order, travel together and
  // cost one wake per batch. After the shard has stopped the job is destroyed, not run.
  virtual void post(Job job) = 0;

  // Runs `job` on this shard after `delay`. Only from this shard.
  virtual TimerId after(Duration delay, Job job) = 0;
  // The job of a cancelled timer never runs. Unknown and expired ids are ignored. Only from this shard.
  virtual void cancel(TimerId timer) = 0;

  // Runs `job` in a later turn of this shard, in each turn one of those that were given here, in their order: who cuts long work into
  // slices (turn_slices.h) delays others by one slice a turn, however many do so. Only from this shard.
  virtual void run_aside(Job job) { after(Duration::zero(), std::move(job)); }
  // How long such a slice is.
  [[nodiscard]] virtual Duration slice() const { return usual_slice; }

  [[nodiscard]] virtual const Clock& clock() const = 0;
  [[nodiscard]] virtual BlockingPool& pool() = 0;
  // Threads for long computations, no more than the machine has use for. Apart from the pool, so that who makes the broker compute
  // holds up nobody's reads and syncs.
  [[nodiscard]] virtual BlockingPool& workers() { return pool(); }
};

// All shards of a process, numbered from 0.
class ShardGroup {
 public:
  ShardGroup() = default;
  ShardGroup(const ShardGroup&) = delete;
  ShardGroup& operator=(const ShardGroup&) = delete;
  virtual ~ShardGroup() = default;

  [[nodiscard]] virtual std::size_t size() const = 0;
  [[nodiscard]] virtual Shard& at(ShardId id) = 0;
};

}  // namespace millrace
