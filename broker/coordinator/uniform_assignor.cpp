#include "broker/coordinator/uniform_assignor.h"

#include <algorithm>
#include <numeric>

namespace millrace::coordinator {
namespace {

// What the members are to have, and what is left for them.
class HomogeneousAssignment {
 public:
  explicit HomogeneousAssignment(const AssignmentInput& input)
      : input_(input), order_(members_by_id(input)), shares_(input.members.size()), quotas_(input.members.size()) {}

  AssignmentOutput run() {
    set_quotas();
    for (const std::size_t member : order_) keep_what_fits(member);
    collect_unassigned();
    auto next = unassigned_.cbegin();
    for (const std::size_t member : order_) {
      for (; quotas_[member] > 0; --quotas_[member], ++next)
        insert_partition(shares_[member], next->topic, next->partition);
    }
    return std::move(shares_);
  }

 private:
  struct TopicIdPartition {
    TopicId topic;
    PartitionIndex partition;
  };

  [[nodiscard]] bool is_subscribed(const TopicId& topic) const {
    return std::ranges::binary_search(input_.members[0].topics, topic);
  }
  [[nodiscard]] bool exists(const TopicId& topic, PartitionIndex partition) const {
    return is_subscribed(topic) && partition.value() < partition_count(input_, topic);
  }
  [[nodiscard]] std::size_t still_owned(std::size_t member) const {
    if (input_.members[member].assigned == nullptr) return 0;
    std::size_t count = 0;
    for (const auto& [topic, partitions] : *input_.members[member].assigned) {
      for (const PartitionIndex partition : partitions) count += exists(topic, partition) ? 1 : 0;
    }
    return count;
  }

  // Everybody gets the same; what is left over goes first to those who have more than that already, then by the order of the members.
  void set_quotas() {
    std::size_t total = 0;
    for (const auto& topic : input_.members[0].topics)
      total += static_cast<std::size_t>(partition_count(input_, topic));
    const std::size_t minimum = total / order_.size();
    std::size_t left_over = total % order_.size();
    std::ranges::fill(quotas_, minimum);
    for (const bool has_more : {true, false}) {
      for (const std::size_t member : order_) {
        if (left_over == 0) return;
        if ((still_owned(member) > minimum) != has_more) continue;
        ++quotas_[member];
        --left_over;
      }
    }
  }

  void keep_what_fits(std::size_t member) {
    if (input_.members[member].assigned == nullptr) return;
    for (const auto& [topic, partitions] : *input_.members[member].assigned) {
      for (const PartitionIndex partition : partitions) {
        if (quotas_[member] == 0) return;
        if (!exists(topic, partition)) continue;
        insert_partition(shares_[member], topic, partition);
        --quotas_[member];
      }
    }
  }

  void collect_unassigned() {
    AssignedPartitions kept;
    for (const auto& share : shares_) {
      for (const auto& [topic, partitions] : share) {
        auto& all = kept[topic];
        all.insert(all.end(), partitions.begin(), partitions.end());
      }
    }
    for (const auto& topic : input_.members[0].topics) {
      auto& owned = kept[topic];
      std::ranges::sort(owned);
      for (PartitionIndex partition(0); partition.value() < partition_count(input_, topic); partition = partition + 1) {
        if (!std::ranges::binary_search(owned, partition)) unassigned_.push_back({topic, partition});
      }
    }
  }

  const AssignmentInput& input_;
  std::vector<std::size_t> order_;
  AssignmentOutput shares_;
  std::vector<std::size_t> quotas_;  // what each member may still get
  std::vector<TopicIdPartition> unassigned_;
};

}  // namespace

std::vector<std::size_t> members_by_id(const AssignmentInput& input) {
  std::vector<std::size_t> order(input.members.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t member) { return input.members[member].id; });
  return order;
}

std::int32_t partition_count(const AssignmentInput& input, const TopicId& topic) {
  const auto found = input.topic_partitions.find(topic);
  return found == input.topic_partitions.end() ? 0 : found->second;
}

void insert_partition(AssignedPartitions& share, const TopicId& topic, PartitionIndex partition) {
  auto& partitions = share[topic];
  partitions.insert(std::ranges::upper_bound(partitions, partition), partition);
}

AssignmentOutput assign_uniform_homogeneous(const AssignmentInput& input) { return HomogeneousAssignment(input).run(); }

}  // namespace millrace::coordinator
