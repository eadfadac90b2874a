// Work on many partitions of one request: each shard that owns some of them gets its share in one message and reports once.
#pragma once

#include <coroutine>
#include <cstddef>
#include <utility>
#include <vector>

#include "broker/base/shard.h"
#include "broker/base/task.h"
#include "broker/base/work_account.h"

namespace millrace::server {

inline constexpr ShardId no_owner = static_cast<ShardId>(-1);

// What fan_out() gives to await. It lives in the frame of the coroutine that awaits it, and so does all that the shards share: what
// travels between them is a pointer to it.
template <class Visit>
class [[nodiscard]] FanOut {
 public:
  FanOut(Shard& home, ShardGroup& shards, std::vector<ShardId> owners, Visit visit)
      : home_(home), shards_(shards), owners_(std::move(owners)), visit_(std::move(visit)) {}
  FanOut(const FanOut&) = delete;
  FanOut& operator=(const FanOut&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiting) {
    awaiting_ = awaiting;
    account_ = WorkScope::current();
    for (auto owner : owners_) {
      if (owner != no_owner) add_share(owner);
    }
    waits_for_ = shares_.size() + (first_.items > 0 ? 1 : 0);
    if (first_.items > 0) start(first_);
    for (auto& share : shares_) start(share);
    is_suspended_ = waits_for_ > 0;
    return is_suspended_;
  }
  void await_resume() const noexcept {}

 private:
  // One shard's; touched by that shard only once it was started.
  struct Share {
    ShardId owner = no_owner;
    std::size_t items = 0;
    std::size_t waits_for = 0;
  };

  void add_share(ShardId owner) {
    if (first_.items == 0 || first_.owner == owner) {
      first_.owner = owner;
      ++first_.items;
      return;
    }
    for (auto& share : shares_) {
      if (share.owner != owner) continue;
      ++share.items;
      return;
    }
    shares_.push_back({owner, 1, 0});
  }

  void start(Share& share) {
    auto& owner = shards_.at(share.owner);
    if (&owner == &home_) return visit_all(share);
    owner.post([this, &share] {
      const WorkScope scope(account_);
      visit_all(share);
    });
  }

  void visit_all(Share& share) {
    // One more than there are: nobody goes on, and this is not gone, before the last has been visited.
    share.waits_for = share.items + 1;
    for (std::size_t index = 0; index < owners_.size(); ++index) {
      if (owners_[index] == share.owner) visit_(share.owner, index, [this, &share] { arrive(share); });
    }
    arrive(share);
  }

  void arrive(Share& share) {
    if (--share.waits_for > 0) return;
    if (share.owner == home_.id()) return report();
    auto& home = home_;
    home.post([this] { report(); });
  }

  void report() {
    if (--waits_for_ > 0 || !is_suspended_) return;
    const WorkScope scope(std::move(account_));
    awaiting_.resume();
  }

  Shard& home_;
  ShardGroup& shards_;
  const std::vector<ShardId> owners_;
  Visit visit_;
  std::coroutine_handle<> awaiting_;
  WorkAccountPointer account_;
  Share first_;  // of most requests the only one
  std::vector<Share> shares_;
  std::size_t waits_for_ = 0;  // shares; home's
  bool is_suspended_ = false;
};

// Calls visit(shard, index, arrive) on the owner of every item; visit calls `arrive` once when that item is done, on that shard. The
// awaiting coroutine goes on, on `home`, when all are. `owners` has the owner of each item; items with `no_owner` are left out.
// An item's result may be written by the owner without a lock: home reads it only after everything has arrived. An `arrive` that
// is called may be gone when the call returns, with all that the coroutine holds.
template <class Visit>
FanOut<Visit> fan_out(Shard& home, ShardGroup& shards, std::vector<ShardId> owners, Visit visit) {
  return FanOut<Visit>(home, shards, std::move(owners), std::move(visit));
}

}  // namespace millrace::server
