// /brokers/topics/<topic>: the topic's id and where its partitions' replicas are. Written as version 3, read from version 1 on.
// Source: kafka.zk.TopicZNode.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/base/uuid.h"

namespace millrace::metadata::znodes {

struct PartitionAssignment {
  PartitionIndex index;
  std::vector<BrokerId> replicas;  // in order of preference; during a reassignment all of them, new and old
  std::vector<BrokerId> adding;
  std::vector<BrokerId> removing;

  friend bool operator==(const PartitionAssignment&, const PartitionAssignment&) = default;
};

struct TopicAssignment {
  TopicId id;                                   // zero: a topic from before topic ids
  std::vector<PartitionAssignment> partitions;  // by ascending index

  friend bool operator==(const TopicAssignment&, const TopicAssignment&) = default;
};

std::string encode(const TopicAssignment& assignment);
Result<TopicAssignment> decode_topic_assignment(std::string_view payload);

}  // namespace millrace::metadata::znodes
