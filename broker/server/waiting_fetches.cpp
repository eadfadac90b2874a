#include "broker/server/waiting_fetches.h"

#include <utility>

namespace millrace::server {

void WaitingFetches::add(ShardId shard, std::uint64_t connection, replication::FetchWaitPointer wait) {
  auto& part = parts_[shard];
  if (part.stopping) return wait->fire();
  part.waits.emplace(connection, std::move(wait));
}

void WaitingFetches::remove(ShardId shard, std::uint64_t connection, const replication::FetchWait* wait) {
  auto& waits = parts_[shard].waits;
  auto [begin, end] = waits.equal_range(connection);
  for (auto at = begin; at != end; ++at) {
    if (at->second.get() != wait) continue;
    waits.erase(at);
    return;
  }
}

// Those that wake remove themselves, in later tasks.
void WaitingFetches::wake(ShardId shard, std::uint64_t connection) {
  auto [begin, end] = parts_[shard].waits.equal_range(connection);
  for (auto at = begin; at != end; ++at) at->second->fire();
}

void WaitingFetches::wake_all(ShardId shard) {
  auto& part = parts_[shard];
  part.stopping = true;
  for (auto& [connection, wait] : part.waits) wait->fire();
}

}  // namespace millrace::server
