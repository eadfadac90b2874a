// Who wants to know which partitions this broker leads: the coordinators, whose state is what a partition of an internal topic says.
#pragma once

#include <memory>

#include "broker/base/shard.h"
#include "broker/base/types.h"

namespace millrace::replication {

class Partition;

class LeadershipObserver {
 public:
  LeadershipObserver() = default;
  LeadershipObserver(const LeadershipObserver&) = delete;
  LeadershipObserver& operator=(const LeadershipObserver&) = delete;

  // Both are called in tasks of the partition's shard, in the order in which terms begin and end.

  // This broker leads it from now on in `partition`'s leader epoch; the term before, if there was one, has ended.
  virtual void on_leading(ShardId shard, const TopicPartition& key, const std::shared_ptr<Partition>& partition) = 0;
  // It does not any more: another broker does, the topic is deleted, or the disk has failed.
  virtual void on_resigned(ShardId shard, const TopicPartition& key) = 0;

 protected:
  ~LeadershipObserver() = default;
};

}  // namespace millrace::replication
