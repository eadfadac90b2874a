// The fetches that wait for records, by the connection that asked: they end when it does, and all of them when the broker
// stops, so that nobody's time limit holds a request's memory or delays a stop.
//
// One part for each shard, with the fetches of the connections that live there; only that shard's tasks touch it.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "broker/base/shard.h"
#include "broker/replication/fetch_wait.h"

namespace millrace::server {

class WaitingFetches {
 public:
  explicit WaitingFetches(std::size_t shards) : parts_(shards) {}

  // Wakes at once when wake_all() has come before.
  void add(ShardId shard, std::uint64_t connection, replication::FetchWaitPointer wait);
  void remove(ShardId shard, std::uint64_t connection, const replication::FetchWait* wait);
  void wake(ShardId shard, std::uint64_t connection);
  void wake_all(ShardId shard);
  [[nodiscard]] std::size_t size(ShardId shard) const { return parts_[shard].waits.size(); }

 private:
  struct Part {
    std::unordered_multimap<std::uint64_t, replication::FetchWaitPointer> waits;
    bool stopping = false;
  };
  std::vector<Part> parts_;
};

}  // namespace millrace::server
