#include "test/sim/simulated_scheduler.h"

#include <algorithm>
#include <cstdlib>

#include "test/sim/executor.h"

namespace millrace::sim {
namespace {

constexpr std::size_t remembered_events = 60;
// Of each job, at most: so that two moments are seldom the same.
constexpr std::uint64_t longest_job_us = 20;
// Before a thread takes a job up: mostly soon, now and then much later.
constexpr std::uint64_t soon_us = 30;
constexpr std::uint64_t late_us = 3'000;
constexpr std::uint64_t one_late_in = 12;

}  // namespace

std::uint64_t seed_of_run(std::uint64_t otherwise) {
  const char* wanted = std::getenv("MILLRACE_SEED");
  return wanted == nullptr ? otherwise : std::strtoull(wanted, nullptr, 10);
}

SimulatedScheduler::SimulatedScheduler(std::uint64_t seed) : seed_(seed), random_(seed) {}
SimulatedScheduler::~SimulatedScheduler() = default;

void SimulatedScheduler::run_ready() {
  const auto now = clock_.now();
  while (clock_.now() == now && step_before(now)) {
  }
}

void SimulatedScheduler::run_for(Duration duration) {
  const auto end = clock_.now() + duration;
  while (step_before(end)) {
  }
  if (clock_.now() < end) clock_.advance(end - clock_.now());
}

MonotonicTime SimulatedScheduler::next_moment() const {
  auto next = MonotonicTime::max();
  for (const auto& running : running_) {
    if (running.gate.empty()) next = std::min(next, running.end);
  }
  for (const auto* executor : executors_) {
    next = std::min(next, executor->next_moment());
  }
  return next;
}

bool SimulatedScheduler::step_before(MonotonicTime end) {
  const auto now = clock_.now();
  std::vector<std::size_t> ready;  // executors, and behind them jobs whose time is over
  for (std::size_t at = 0; at < executors_.size(); ++at) {
    if (executors_[at]->next_moment() <= now) ready.push_back(at);
  }
  for (std::size_t at = 0; at < running_.size(); ++at) {
    if (running_[at].gate.empty() && running_[at].end <= now) ready.push_back(executors_.size() + at);
  }
  if (ready.empty()) {
    const auto next = next_moment();
    if (next == MonotonicTime::max() || next > end) return false;
    clock_.advance(next - now);
    return true;
  }
  const auto chosen = ready[random_.below(ready.size())];
  if (chosen < executors_.size()) {
    run(*executors_[chosen]);
  } else {
    auto ended = std::move(running_[chosen - executors_.size()]);
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(chosen - executors_.size()));
    over(std::move(ended));
  }
  return true;
}

void SimulatedScheduler::run(Executor& executor) {
  auto job = executor.take(clock_.now(), random_);
  ++steps_;
  Running running{&executor, 0, steps_, clock_.now() + std::chrono::microseconds(random_.below(longest_job_us)),
                  "",        {}};
  ++executor.busy_;
  note(executor.name_);
  auto* outer = std::exchange(current_, &running);
  job();
  job = nullptr;  // what it owned goes while it is still the one that runs
  current_ = outer;
  running_.push_back(std::move(running));
}

void SimulatedScheduler::over(Running running) {
  --running.executor->busy_;
  for (auto& mail : running.outbox) deliver(std::move(mail));
}

void SimulatedScheduler::deliver(Mail mail) {
  const auto longest = random_.below(one_late_in) == 0 ? late_us : soon_us;
  mail.to->receive(mail.from, clock_.now() + std::chrono::microseconds(random_.below(longest)), std::move(mail.job));
}

void SimulatedScheduler::post(Executor& to, Job job) {
  if (current_ == nullptr) return deliver({&to, 0, std::move(job)});
  // A shard's own mail, and another one's, keep their order; the jobs of a pool are senders of their own.
  const auto& from = *current_->executor;
  const auto at = std::ranges::find(executors_, &from) - executors_.begin();
  const auto sender = from.is_shard_ ? static_cast<std::uint64_t>(at) + 1 : (std::uint64_t{1} << 32) + current_->number;
  current_->outbox.push_back({&to, sender, std::move(job)});
}

void SimulatedScheduler::drop_mail(const Executor& executor) {
  const auto goes = [&](const auto& mail) { return mail.to == &executor; };
  std::vector<Mail> dropped;  // what destroying them posts must find everything in place
  const auto drop = [&](std::vector<Mail>& outbox) {
    for (auto& mail : outbox) {
      if (goes(mail)) dropped.push_back(std::move(mail));
    }
    std::erase_if(outbox, goes);
  };
  for (auto& running : running_) drop(running.outbox);
  if (current_ != nullptr) drop(current_->outbox);
}

void SimulatedScheduler::remove(Executor& executor) {
  std::erase_if(running_, [&](const auto& running) { return running.executor == &executor; });
  std::erase(executors_, &executor);
}

void SimulatedScheduler::take_time(Duration duration) {
  if (current_ != nullptr) {
    current_->end += duration;
  } else {
    clock_.advance(duration);
  }
}

void SimulatedScheduler::block_on(const std::string& gate) {
  if (current_ != nullptr) current_->gate = gate;
}

void SimulatedScheduler::release(const std::string& gate) {
  for (auto& running : running_) {
    if (running.gate != gate) continue;
    running.gate.clear();
    running.end = std::max(running.end, clock_.now());
  }
}

void SimulatedScheduler::note(const std::string& what) {
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(clock_.now().time_since_epoch()).count();
  for (auto byte : what) fingerprint_ = (fingerprint_ ^ static_cast<std::uint8_t>(byte)) * 1099511628211ULL;
  fingerprint_ = (fingerprint_ ^ static_cast<std::uint64_t>(now)) * 1099511628211ULL;
  events_.push_back(std::to_string(now) + " us: " + what);
  if (events_.size() > remembered_events) events_.pop_front();
}

std::string SimulatedScheduler::story() const {
  std::string text =
      "MILLRACE_SEED=" + std::to_string(seed_) + ", " + std::to_string(steps_) + " jobs, the last events:";
  for (const auto& event : events_) text += "\n  " + event;
  return text;
}

Executor::Executor(SimulatedScheduler& scheduler, std::string name, std::uint64_t threads, bool is_shard)
    : scheduler_(scheduler), name_(std::move(name)), threads_(threads), is_shard_(is_shard) {
  scheduler_.executors_.push_back(this);
}

Executor::~Executor() {
  stop();
  scheduler_.remove(*this);
}

void Executor::post(Job job) {
  if (stopped_) return;
  scheduler_.post(*this, std::move(job));
}

void Executor::receive(std::uint64_t from, MonotonicTime not_before, Job job) {
  if (!stopped_) mail_.push_back({from, not_before, std::move(job)});
}

Shard::TimerId Executor::after(Duration delay, Job job) {
  const auto timer = next_timer_++;
  if (!stopped_)
    timers_.emplace(std::pair(scheduler_.clock().now() + std::max(delay, Duration::zero()), timer), std::move(job));
  return timer;
}

void Executor::cancel(Shard::TimerId timer) {
  std::erase_if(timers_, [&](const auto& entry) { return entry.first.second == timer; });
}

bool Executor::is_current() const { return scheduler_.current_ != nullptr && scheduler_.current_->executor == this; }

void Executor::stop() {
  stopped_ = true;
  scheduler_.drop_mail(*this);
  // What they own may post while it goes.
  while (!mail_.empty() || !timers_.empty()) {
    const auto mail = std::exchange(mail_, {});
    const auto timers = std::exchange(timers_, {});
  }
}

std::vector<std::size_t> Executor::next_mail() const {
  std::vector<std::size_t> numbers;
  if (busy_ >= threads_) return numbers;
  if (!is_shard_) {
    for (std::size_t at = 0; at < std::min<std::size_t>(mail_.size(), threads_ - busy_); ++at) numbers.push_back(at);
    return numbers;
  }
  std::vector<std::uint64_t> senders;
  for (std::size_t at = 0; at < mail_.size(); ++at) {
    if (std::ranges::find(senders, mail_[at].from) != senders.end()) continue;
    senders.push_back(mail_[at].from);
    numbers.push_back(at);
  }
  return numbers;
}

MonotonicTime Executor::next_moment() const {
  auto next = MonotonicTime::max();
  if (busy_ >= threads_) return next;
  if (!timers_.empty()) next = timers_.begin()->first.first;
  for (auto number : next_mail()) next = std::min(next, mail_[number].not_before);
  return next;
}

Job Executor::take(MonotonicTime now, Random& random) {
  auto choices = next_mail();
  std::erase_if(choices, [&](auto number) { return mail_[number].not_before > now; });
  const bool timer = !timers_.empty() && timers_.begin()->first.first <= now;
  const auto chosen = random.below(choices.size() + (timer ? 1 : 0));
  if (chosen == choices.size()) {
    auto job = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    return job;
  }
  const auto at = mail_.begin() + static_cast<std::ptrdiff_t>(choices[chosen]);
  auto job = std::move(at->job);
  mail_.erase(at);
  return job;
}

}  // namespace millrace::sim
