// Work on many partitions of one request: each shard that owns some of them gets its share in one message and reports once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "broker/base/shard.h"
#include "broker/base/task.h"
#include "broker/base/work_account.h"

namespace millrace::server {

// Counts what is under way on one shard; calls `done` there when the last has arrived. Owned by that shard.
class Countdown : public std::enable_shared_from_this<Countdown> {
 public:
  Countdown(std::size_t count, Job done) : remaining_(count), done_(std::move(done)) {}
  void arrive() {
    if (--remaining_ == 0) std::exchange(done_, nullptr)();
  }

 private:
  std::size_t remaining_;
  Job done_;
};

inline constexpr ShardId no_owner = static_cast<ShardId>(-1);

// fan_out of one item, with as few allocations as can be.
template <class Visit>
void visit_one(Shard& home, Shard& owner, std::size_t index, Visit visit, UniqueFunction<void(bool)> done) {
  if (&home == &owner) return visit(owner.id(), index, [done = std::move(done)]() mutable { done(true); });
  owner.post([&home, &owner, index, visit = std::move(visit), done = std::move(done),
              account = WorkScope::current()]() mutable {
    const WorkScope scope(std::move(account));
    visit(owner.id(), index,
          [&home, done = std::move(done)]() mutable { home.post([done = std::move(done)]() mutable { done(true); }); });
  });
}

// Calls visit(shard, index, arrive) on the owner of every item; visit calls `arrive` once when that item is done, on that shard. The
// awaiting coroutine goes on, on `home`, when all are. `owners` has the owner of each item; items with `no_owner` are left out.
// An item's result may be written by the owner without a lock: home reads it only after everything has arrived.
template <class Visit>
auto fan_out(Shard& home, ShardGroup& shards, const std::vector<ShardId>& owners, Visit visit) {
  auto start = [&home, &shards, &owners, visit = std::move(visit)](UniqueFunction<void(bool)> done) mutable {
    // Small requests are about one partition.
    auto is_wanted = [](ShardId owner) { return owner != no_owner; };
    auto first = std::ranges::find_if(owners, is_wanted);
    if (first == owners.end()) return done(true);
    if (std::none_of(first + 1, owners.end(), is_wanted)) {
      const auto index = static_cast<std::size_t>(first - owners.begin());
      return visit_one(home, shards.at(*first), index, std::move(visit), std::move(done));
    }
    std::vector<std::vector<std::size_t>> shares(shards.size());
    std::size_t busy = 0;
    for (std::size_t index = 0; index < owners.size(); ++index) {
      if (owners[index] == no_owner) continue;
      busy += shares[owners[index]].empty() ? 1 : 0;
      shares[owners[index]].push_back(index);
    }
    auto all = std::make_shared<Countdown>(busy, [done = std::move(done)]() mutable { done(true); });
    auto shared_visit = std::make_shared<Visit>(std::move(visit));
    for (ShardId id = 0; id < shards.size(); ++id) {
      if (shares[id].empty()) continue;
      auto& owner = shards.at(id);
      auto work = [&home, &owner, share = std::move(shares[id]), shared_visit, all] {
        auto here = std::make_shared<Countdown>(share.size(), [&home, &owner, all] {
          if (&home == &owner) return all->arrive();
          home.post([all] { all->arrive(); });
        });
        for (auto index : share) (*shared_visit)(owner.id(), index, [here] { here->arrive(); });
      };
      if (&home == &owner) {
        work();
      } else {
        owner.post([work = std::move(work), account = WorkScope::current()]() mutable {
          const WorkScope scope(std::move(account));
          work();
        });
      }
    }
  };
  return Completion<bool, decltype(start)>(std::move(start));
}

}  // namespace millrace::server
