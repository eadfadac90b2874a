// Where other threads leave jobs for a shard: a stack of batches that senders push without a lock and the shard takes whole, in
// the order in which they came.
//
// Any thread may push; one at a time takes.
#pragma once

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "broker/base/shard.h"

namespace millrace::network {

class JobInbox {
 public:
  JobInbox() = default;
  JobInbox(const JobInbox&) = delete;
  JobInbox& operator=(const JobInbox&) = delete;
  ~JobInbox() {
    take([](Job&) {});
  }

  // Sequentially consistent, so that a sender who then sees the receiver awake can rely on the receiver seeing the batch.
  void push(std::vector<Job> jobs) {
    auto* batch = new Batch{std::move(jobs), newest_.load(std::memory_order_relaxed)};
    while (!newest_.compare_exchange_weak(batch->older, batch, std::memory_order_seq_cst, std::memory_order_relaxed)) {
    }
  }

  [[nodiscard]] bool empty() const { return newest_.load(std::memory_order_seq_cst) == nullptr; }

  // Calls `use` with every job that is there now. Returns whether there was one.
  template <class Use>
  bool take(Use use) {
    auto* newest = newest_.exchange(nullptr, std::memory_order_acq_rel);
    Batch* oldest = nullptr;
    while (newest != nullptr) {
      auto* older = std::exchange(newest->older, oldest);
      oldest = std::exchange(newest, older);
    }
    bool any = oldest != nullptr;
    while (oldest != nullptr) {
      std::unique_ptr<Batch> batch(oldest);
      oldest = batch->older;
      for (auto& job : batch->jobs) use(job);
    }
    return any;
  }

 private:
  struct Batch {
    std::vector<Job> jobs;
    Batch* older;
  };

  std::atomic<Batch*> newest_{nullptr};
};

}  // namespace millrace::network
