#include <algorithm>
#include <numeric>
#include <utility>

#include "broker/coordinator/partition_assignor.h"

namespace millrace::coordinator {
namespace {

// A topic while it is shared out.
struct TopicRange {
  std::int32_t partitions = 0;
  std::int32_t subscribers = 0;
  std::int32_t given = 0;  // to how many subscribers
  std::int32_t next = 0;   // the first partition that is left

  // The next subscriber's run: all as long, the first ones longer by one where that does not come out even.
  std::vector<PartitionIndex> take() {
    const std::int32_t length = partitions / subscribers + (given++ < partitions % subscribers ? 1 : 0);
    std::vector<PartitionIndex> run;
    run.reserve(static_cast<std::size_t>(length));
    for (std::int32_t count = 0; count < length; ++count) run.emplace_back(next++);
    return run;
  }
};

// Static members keep their places when they come back under new ids.
std::vector<std::size_t> in_order(const std::vector<AssignmentMember>& members) {
  std::vector<std::size_t> order(members.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t index) {
    const auto& member = members[index];
    return std::make_pair(!member.instance_id, member.instance_id.value_or(member.id));
  });
  return order;
}

}  // namespace

AssignmentOutput assign_range(const AssignmentInput& input) {
  std::map<TopicId, TopicRange> topics;
  for (const auto& [topic, partitions] : input.topic_partitions) topics[topic].partitions = partitions;
  for (const auto& member : input.members) {
    for (const auto& topic : member.topics) ++topics[topic].subscribers;
  }
  AssignmentOutput shares(input.members.size());
  for (const std::size_t member : in_order(input.members)) {
    for (const auto& topic : input.members[member].topics) {
      if (auto run = topics[topic].take(); !run.empty()) shares[member].emplace(topic, std::move(run));
    }
  }
  return shares;
}

}  // namespace millrace::coordinator
