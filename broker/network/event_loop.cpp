#include "broker/network/event_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <system_error>

#include "broker/base/check.h"
#include "broker/base/logging.h"

namespace millrace::network {
namespace {

constexpr Logger logger{"network"};
constexpr Duration idle_wait_max = std::chrono::seconds(1);  // the heartbeat of an idle shard
constexpr int own_rounds_per_turn = 8;
constexpr std::size_t mail_batch_max = 64;
constexpr std::size_t mail_batch_usual = 16;

}  // namespace

thread_local EventLoop* EventLoop::current_ = nullptr;

class EventLoop::Running {
 public:
  explicit Running(EventLoop& loop) { current_ = &loop; }
  ~Running() { current_ = nullptr; }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
};

Result<std::unique_ptr<EventLoop>> EventLoop::create(ShardId id, BlockingPool& pool, BlockingPool& workers,
                                                     const EventLoopConfig& config, MetricsRegistry& metrics) {
  std::unique_ptr<EventLoop> loop(new EventLoop(id, pool, workers, config, metrics));
  if (auto opened = loop->sockets_.open(); !opened) return tl::unexpected(opened.error());
  loop->alarm_descriptor_ = UniqueFd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!loop->alarm_descriptor_)
    return fail(ErrorKind::resource_exhausted, "cannot make an eventfd: " + std::system_category().message(errno));
  if (auto watched = loop->sockets_.watch(loop->alarm_descriptor_.get(), loop->alarm_); !watched)
    return fail(ErrorKind::resource_exhausted, "cannot watch an eventfd: " + watched.error().message);
  return loop;
}

EventLoop::EventLoop(ShardId id, BlockingPool& pool, BlockingPool& workers, const EventLoopConfig& config,
                     MetricsRegistry& metrics)
    : id_(id), pool_(pool), workers_(workers), config_(config) {
  // Before its first turn a loop is young, not silent.
  last_turn_.store(clock_.now().time_since_epoch().count(), std::memory_order_relaxed);
  MetricLabels labels{{"shard", std::to_string(id)}};
  turns_slow_ = metrics.counter("millrace_shard_slow_turns_total",
                                "Turns of the shard's loop that took longer than a second", labels);
  wakes_ =
      metrics.counter("millrace_shard_wakes_total", "Times the sleeping shard was woken by another thread", labels);
  put_aside_ = metrics.counter("millrace_shard_put_aside_total",
                               "Times a long request let the shard's others have their turn", labels);
}

EventLoop::~EventLoop() {
  MILLRACE_INVARIANT(runner_.load(std::memory_order_relaxed) == nullptr, "an event loop died while a thread ran it");
}

void EventLoop::introduce(std::span<const std::unique_ptr<EventLoop>> loops) {
  for (const auto& loop : loops) loops_.push_back(loop.get());
  outgoing_.resize(loops_.size());
}

void EventLoop::request_stop() {
  post([this] { finished_ = true; });
}

void EventLoop::close() {
  stopped_.store(true, std::memory_order_seq_cst);
  inbox_.take([](Job&) {});
}

void EventLoop::post(Job job) {
  if (stopped_.load(std::memory_order_relaxed)) return;
  auto* sender = current_;
  // A thread makes itself the runner, and ends that itself: what it reads of itself holds.
  const auto* runner = sender == nullptr ? nullptr : sender->runner_.load(std::memory_order_relaxed);
  if (sender == this || (runner != nullptr && runner_.load(std::memory_order_relaxed) == runner)) {
    own_jobs_.push_back(std::move(job));
    return;
  }
  if (sender == nullptr || id_ >= sender->loops_.size() || sender->loops_[id_] != this) {
    std::vector<Job> jobs;
    jobs.push_back(std::move(job));
    deliver(std::move(jobs));
    return;
  }
  auto& batch = sender->outgoing_[id_];
  if (batch.empty()) {
    sender->outgoing_receivers_.push_back(id_);
    batch.reserve(mail_batch_usual);
  }
  batch.push_back(std::move(job));
  if (batch.size() >= mail_batch_max) sender->send_mail_to(*this, batch);
}

Shard::TimerId EventLoop::after(Duration delay, Job job) {
  MILLRACE_INVARIANT(is_current(), "a timer was set from outside its shard");
  return timers_.add(clock_.now() + std::max(delay, Duration::zero()), std::move(job));
}

void EventLoop::cancel(TimerId timer) {
  MILLRACE_INVARIANT(is_current(), "a timer was cancelled from outside its shard");
  timers_.cancel(timer);
}

void EventLoop::run_aside(Job job) {
  MILLRACE_INVARIANT(is_current(), "work was put aside from outside its shard");
  put_aside_.add();
  jobs_aside_.push_back(std::move(job));
}

Duration EventLoop::prepare_sleep(MonotonicTime now) {
  if (finished_ || !own_jobs_.empty() || !jobs_aside_.empty()) return Duration::zero();
  auto wait = idle_wait_max;
  if (auto deadline = timers_.next_deadline()) wait = std::min(wait, *deadline - now);
  if (wait <= Duration::zero()) return Duration::zero();
  sleeping_.store(true, std::memory_order_seq_cst);
  if (inbox_.empty()) return wait;
  woke_up();
  return Duration::zero();
}

void EventLoop::run_turn(MonotonicTime now, Duration slept) {
  const Running running(*this);
  const auto before = std::exchange(turn_time_, now);
  last_turn_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  sockets_.tell();
  run_mail();
  run_timers();
  run_own_jobs();
  run_one_aside();
  send_mail();
  if (before == MonotonicTime{} || turn_time_ - before <= slept + config_.slow_turn_warning) return;
  turns_slow_.add();
  auto took_ms = std::chrono::duration_cast<std::chrono::milliseconds>(turn_time_ - before).count();
  logger.warning("shard " + std::to_string(id_) + " was busy for about " + std::to_string(took_ms) + " ms in one turn");
}

void EventLoop::run_more_jobs() {
  const Running running(*this);
  run_mail();
  run_own_jobs();
  send_mail();
}

void EventLoop::run_mail() {
  inbox_.take([](Job& job) {
    job();
    job = nullptr;
  });
}

void EventLoop::run_timers() {
  while (auto job = timers_.take_due(turn_time_)) job();
}

void EventLoop::run_own_jobs() {
  // What a job posts runs in the same turn, for a few rounds: it often is the rest of a request.
  for (int round = 0; round < own_rounds_per_turn && !own_jobs_.empty(); ++round) {
    running_jobs_.swap(own_jobs_);
    for (auto& job : running_jobs_) {
      job();
      job = nullptr;
    }
    running_jobs_.clear();
  }
}

void EventLoop::run_one_aside() {
  if (jobs_aside_.empty()) return;
  auto job = std::move(jobs_aside_.front());
  jobs_aside_.pop_front();
  job();
}

void EventLoop::send_mail() {
  for (auto receiver : std::exchange(outgoing_receivers_, {})) {
    auto& jobs = outgoing_[receiver];
    if (!jobs.empty()) send_mail_to(*loops_[receiver], jobs);
  }
}

void EventLoop::send_mail_to(EventLoop& receiver, std::vector<Job>& jobs) { receiver.deliver(std::exchange(jobs, {})); }

void EventLoop::deliver(std::vector<Job> jobs) {
  inbox_.push(std::move(jobs));
  if (stopped_.load(std::memory_order_seq_cst)) {
    inbox_.take([](Job&) {});
    return;
  }
  if (sleeping_.load(std::memory_order_seq_cst) && sleeping_.exchange(false, std::memory_order_seq_cst)) wake();
}

void EventLoop::wake() {
  wakes_.add();
  const std::uint64_t one = 1;
  // Nobody reads the counter: it is full after 2^64 wakes.
  [[maybe_unused]] auto written = ::write(alarm_descriptor_.get(), &one, sizeof one);
}

void EventLoop::finish() {
  const Running running(*this);
  send_mail();
  stopped_.store(true, std::memory_order_seq_cst);
  for (auto& job : timers_.take_all()) job = nullptr;
  own_jobs_.clear();
  jobs_aside_.clear();
  inbox_.take([](Job&) {});
  // What the jobs' destructors posted to other shards.
  for (int round = 0; round < own_rounds_per_turn && !outgoing_receivers_.empty(); ++round) send_mail();
}

}  // namespace millrace::network
