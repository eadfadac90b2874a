// A ManualShard of which a test replaces the threads that work beside it.
#pragma once

#include <utility>

#include "broker/base/manual_shard.h"

namespace millrace::log::test {

class WrappedShard : public Shard {
 public:
  [[nodiscard]] ShardId id() const override { return inner.id(); }
  [[nodiscard]] bool is_current() const override { return inner.is_current(); }
  void post(Job job) override { inner.post(std::move(job)); }
  TimerId after(Duration delay, Job job) override { return inner.after(delay, std::move(job)); }
  void cancel(TimerId timer) override { inner.cancel(timer); }
  [[nodiscard]] const Clock& clock() const override { return inner.clock(); }
  [[nodiscard]] BlockingPool& pool() override { return inner.pool(); }

  ManualShard inner;
};

}  // namespace millrace::log::test
