#include <algorithm>
#include <utility>

#include "broker/base/work_account.h"
#include "broker/log/partition_log_state.h"

namespace millrace::log {

// The configuration is that of now: what a change of it demands, it demands of later appends.
void PartitionLog::State::check_on_worker(const AppendRequest& request, AppendCompletion done) {
  begin_check(request.source);
  shard.workers().submit([self_alive = self.shared_from_this(), this, request, of_term = term, config = log->config,
                          account = WorkScope::current(), done = std::move(done)]() mutable {
    auto checked = [&] {
      const WorkScope scope(account);
      return check_batch(request, config, name, environment->options.conversions, CheckEffort::full);
    }();
    auto& home = shard;
    home.post([self_alive = std::move(self_alive), this, request, of_term, checked = std::move(checked),
               account = std::move(account), done = std::move(done)]() mutable {
      auto finish = [self_alive = std::move(self_alive), this, request, of_term, checked = std::move(checked),
                     account = std::move(account), done = std::move(done)]() mutable {
        const WorkScope scope(std::move(account));
        complete_in_order(append_checked(request, checked, of_term), std::move(done));
        end_check(request.source);
      };
      // Nobody's: what its source asks meanwhile waits for end_check.
      holding() ? hold(0, std::move(finish)) : finish();
    });
  });
}

bool PartitionLog::State::is_checking(AppendSource source) const {
  return check_of(source) != nullptr || holds(source);
}

void PartitionLog::State::after_check(AppendSource source, Job job) {
  if (auto* check = check_of(source)) return check->behind.push_back(std::move(job));
  if (holds(source)) return hold(source, std::move(job));
  job();
}

PartitionLog::State::LongCheck* PartitionLog::State::check_of(AppendSource source) const {
  for (const auto& check : long_checks_) {
    if (check->source == source) return check.get();
  }
  return nullptr;
}

void PartitionLog::State::begin_check(AppendSource source) {
  if (source == 0) return;
  if (auto* check = check_of(source)) {
    check->busy = true;
  } else {
    long_checks_.push_back(std::make_unique<LongCheck>(source));
  }
}

void PartitionLog::State::end_check(AppendSource source) {
  auto* check = check_of(source);
  if (check == nullptr) return;
  check->busy = false;
  // What waits may be a batch for the workers too; and who is answered may ask more, which goes behind.
  while (!check->busy && !check->behind.empty()) {
    Job next = std::move(check->behind.front());
    check->behind.pop_front();
    next();
  }
  if (!check->busy) std::erase_if(long_checks_, [&](const auto& other) { return other.get() == check; });
}

}  // namespace millrace::log
