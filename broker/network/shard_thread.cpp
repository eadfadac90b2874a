#include "broker/network/shard_thread.h"

#include <pthread.h>

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "broker/base/check.h"
#include "broker/base/logging.h"
#include "broker/base/thread_signals.h"

namespace millrace::network {
namespace {

constexpr Logger logger{"network"};
constexpr int rounds_per_turn = 4;  // in which shards of one thread answer each other

}  // namespace

// A shard that lives here and not on its own thread.
struct ShardThread::Guest final : SocketWatcher {
  explicit Guest(ShardThread& thread) : owner(thread), loop(thread.home_) {}
  void on_ready(Readiness) override { has_sockets = true; }

  ShardThread& owner;
  EventLoop& loop;
  Duration worked = Duration::zero();  // since load was judged last
  bool has_sockets = false;
};

// Brings a shard to the host. A host that has stopped destroys it, and the shard stays at home.
class ShardThread::Ticket {
 public:
  Ticket(ShardThread& host, ShardThread& owner) : host_(&host), owner_(&owner) {}
  Ticket(Ticket&& other) noexcept : host_(other.host_), owner_(std::exchange(other.owner_, nullptr)) {}
  Ticket& operator=(Ticket&&) = delete;
  ~Ticket() {
    if (owner_ != nullptr) owner_->came_home_.release();
  }
  void operator()() { host_->adopt(*std::exchange(owner_, nullptr)); }

 private:
  ShardThread* host_;
  ShardThread* owner_;
};

ShardThread::ShardThread(EventLoop& home, ShardThread* host, const SharingConfig& config, CpuSupply* supply,
                         MetricsRegistry& metrics)
    : home_(home),
      host_(host),
      config_(config),
      load_(config.window),
      long_turns_(config),
      host_sharing_(config, supply != nullptr ? *supply : system_supply_),
      guest_sharing_(config),
      shards_that_share_(metrics.gauge("millrace_shards_sharing_a_thread",
                                       "Shards that have little to do and run on the thread of shard 0")) {}

ShardThread::~ShardThread() { MILLRACE_INVARIANT(!thread_.joinable(), "a shard's thread was not joined"); }

Status ShardThread::start() {
  try {
    SignalsBlocked blocked;
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    return fail(ErrorKind::resource_exhausted, std::string("cannot start a shard's thread: ") + error.what());
  }
  return {};
}

void ShardThread::join() {
  if (thread_.joinable()) thread_.join();
}

void ShardThread::run() {
  pthread_setname_np(pthread_self(), ("shard-" + std::to_string(home_.id())).c_str());
  home_.run_by(this);
  woke_ = clock_.now();
  if (host_ != nullptr && config_.enabled) move_in_with_host();
  while (!home_.finished()) turn();
  give_back([](const Guest&) { return true; });
  home_.finish();
  home_.run_by(nullptr);
}

void ShardThread::turn() {
  const auto began = clock_.now();
  judge_load(began);
  const auto sleep = prepare_sleep(began);
  home_.sockets().wait(sleep);
  home_.woke_up();
  for (auto& guest : guests_) guest->loop.woke_up();
  woke_ = clock_.now();
  home_.run_turn(woke_, sleep);
  if (!guests_.empty()) run_guests(sleep);
}

Duration ShardThread::prepare_sleep(MonotonicTime now) {
  auto sleep = home_.prepare_sleep(now);
  for (auto& guest : guests_) sleep = std::min(sleep, guest->loop.prepare_sleep(now));
  return sleep;
}

void ShardThread::run_guests(Duration slept) {
  auto began = clock_.now();
  for (auto& guest : guests_) {
    if (std::exchange(guest->has_sockets, false)) guest->loop.sockets().wait(Duration::zero());
    guest->loop.run_turn(woke_, slept);
    const auto ended = clock_.now();
    guest->worked += ended - std::exchange(began, ended);
  }
  bool more = true;
  for (int round = 0; more && round < rounds_per_turn; ++round) {
    more = home_.has_jobs();
    if (more) home_.run_more_jobs();
    for (auto& guest : guests_) {
      if (!guest->loop.has_jobs()) continue;
      guest->loop.run_more_jobs();
      more = true;
    }
  }
  give_back([](const Guest& guest) { return guest.loop.finished(); });
}

void ShardThread::judge_load(MonotonicTime now) {
  const auto worked = now - woke_;
  if (!guests_.empty() && long_turns_.add(worked, now)) {
    logger.debug("shards part: one of them held up the others of its thread");
    apart_until_.store((now + config_.apart_after_long_turns).time_since_epoch().count(), std::memory_order_relaxed);
    give_back([](const Guest&) { return true; });
  }
  if (!load_.add(worked, now)) return;
  if (host_ != nullptr) {
    const MonotonicTime apart_until(Duration(host_->apart_until_.load(std::memory_order_relaxed)));
    const auto host_share = host_->host_load_.share();
    if (!guest_sharing_.should_join(load_.share(), host_share, apart_until, now)) return;
    if (host_->host_load_.take(host_share, load_.share())) move_in_with_host();
    return;
  }
  host_load_.publish(load_.share());
  if (guests_.empty()) return;
  give_back_busiest(host_sharing_.leaving_guests(load_.share(), now));
  for (auto& guest : guests_) guest->worked = Duration::zero();
}

void ShardThread::move_in_with_host() {
  home_.run_by(nullptr);
  host_->home_.post(Ticket(*host_, *this));
  came_home_.acquire();
  home_.run_by(this);
  woke_ = clock_.now();
  guest_sharing_.came_home(woke_);
  load_.restart();
}

// A job of the host's own shard.
void ShardThread::adopt(ShardThread& owner) {
  if (home_.finished()) return owner.came_home_.release();  // it would stay here for ever
  auto guest = std::make_unique<Guest>(owner);
  if (auto watched = home_.sockets().watch(guest->loop.sockets(), *guest); !watched) {
    logger.warning("shards do not share a thread: " + watched.error().message);
    apart_until_.store((clock_.now() + config_.apart_after_long_turns).time_since_epoch().count(),
                       std::memory_order_relaxed);
    owner.came_home_.release();
    return;
  }
  // What was posted to the guest before goes ahead of what is posted from here on.
  home_.send_mail();
  guest->loop.run_by(this);
  guests_.push_back(std::move(guest));
  shards_that_share_.add(1);
}

template <class Leaves>
void ShardThread::give_back(Leaves leaves) {
  const auto first = std::ranges::partition(guests_, [&](const auto& guest) { return !leaves(*guest); }).begin();
  if (first == guests_.end()) return;
  std::vector<std::unique_ptr<Guest>> leaving(std::make_move_iterator(first), std::make_move_iterator(guests_.end()));
  guests_.erase(first, guests_.end());
  // What was posted to those that leave goes ahead of the mail that they get from here on …
  for (auto& guest : leaving) {
    guest->loop.run_more_jobs();
    guest->loop.run_by(nullptr);
  }
  // … and what they have posted here ahead of what they will post from elsewhere.
  home_.run_more_jobs();
  for (std::size_t index = 0; index < guests_.size(); ++index) guests_[index]->loop.run_more_jobs();
  for (auto& guest : leaving) {
    home_.sockets().forget(guest->loop.sockets(), *guest);
    shards_that_share_.add(-1);
    guest->owner.came_home_.release();
  }
}

void ShardThread::give_back_busiest(std::size_t count) {
  if (count == 0) return;
  std::vector<const Guest*> busiest;
  busiest.reserve(guests_.size());
  for (const auto& guest : guests_) busiest.push_back(guest.get());
  std::ranges::sort(busiest, std::ranges::greater(), &Guest::worked);
  busiest.resize(std::min(count, busiest.size()));
  give_back([&](const Guest& guest) { return std::ranges::find(busiest, &guest) != busiest.end(); });
}

}  // namespace millrace::network
