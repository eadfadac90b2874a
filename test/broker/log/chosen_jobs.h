// A shard whose blocking jobs begin when a test says so, in the order that it says.
#pragma once

#include <cstddef>
#include <deque>
#include <utility>

#include "test/broker/log/wrapped_shard.h"

namespace millrace::log::test {

class ChosenJobs final : public BlockingPool {
 public:
  void submit(Job work) override { jobs.push_back(std::move(work)); }
  void run(std::size_t number) {
    auto job = std::move(jobs.at(number));
    jobs.erase(jobs.begin() + static_cast<std::ptrdiff_t>(number));
    job();
  }

  std::deque<Job> jobs;
};

class ChosenShard final : public WrappedShard {
 public:
  [[nodiscard]] BlockingPool& pool() override { return chosen; }

  ChosenJobs chosen;
};

}  // namespace millrace::log::test
