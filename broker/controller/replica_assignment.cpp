#include "broker/controller/replica_assignment.h"

#include <algorithm>
#include <string>

namespace millrace::controller {
namespace {

using Assignment = std::vector<std::vector<BrokerId>>;

Status check(const std::vector<BrokerId>& brokers, std::int32_t partitions, std::int32_t replication_factor) {
  if (partitions <= 0) return fail(ErrorKind::invalid_argument, "Number of partitions must be larger than 0.");
  if (replication_factor <= 0) return fail(ErrorKind::invalid_argument, "Replication factor must be larger than 0.");
  if (static_cast<std::size_t>(replication_factor) > brokers.size()) {
    return fail(ErrorKind::invalid_argument, "Replication factor: " + std::to_string(replication_factor) +
                                                 " larger than available brokers: " + std::to_string(brokers.size()) +
                                                 ".");
  }
  return {};
}

// `ring` is sorted; `start` and `shift` are where partition 0 begins.
Assignment assign_on_ring(const std::vector<BrokerId>& ring, std::size_t first_partition, std::size_t partitions,
                          std::int32_t replication_factor, std::size_t start, std::size_t shift) {
  Assignment assignment(partitions);
  for (std::size_t i = 0; i < partitions; ++i) {
    const std::size_t partition = first_partition + i;
    if (partition > 0 && partition % ring.size() == 0) ++shift;
    const std::size_t leader = (partition + start) % ring.size();
    auto& replicas = assignment[i];
    replicas.push_back(ring[leader]);
    for (std::size_t follower = 0; follower + 1 < static_cast<std::size_t>(replication_factor); ++follower) {
      const std::size_t distance = 1 + (shift + follower) % (ring.size() - 1);
      replicas.push_back(ring[(leader + distance) % ring.size()]);
    }
  }
  return assignment;
}

}  // namespace

Result<Assignment> assign_replicas(const std::vector<BrokerId>& brokers, std::int32_t partitions,
                                   std::int32_t replication_factor, Random& random) {
  if (auto checked = check(brokers, partitions, replication_factor); !checked) return tl::unexpected(checked.error());
  auto ring = brokers;
  std::ranges::sort(ring);
  const std::size_t start = random.below(ring.size());
  const std::size_t shift = random.below(ring.size());
  return assign_on_ring(ring, 0, static_cast<std::size_t>(partitions), replication_factor, start, shift);
}

Result<Assignment> assign_more_replicas(const std::vector<BrokerId>& brokers, std::int32_t first_partition,
                                        std::int32_t partitions, std::int32_t replication_factor,
                                        BrokerId leader_of_partition_0) {
  if (auto checked = check(brokers, partitions, replication_factor); !checked) return tl::unexpected(checked.error());
  auto ring = brokers;
  std::ranges::sort(ring);
  const auto at = std::ranges::lower_bound(ring, leader_of_partition_0);
  const auto start = at == ring.end() ? std::size_t{0} : static_cast<std::size_t>(at - ring.begin());
  return assign_on_ring(ring, static_cast<std::size_t>(first_partition), static_cast<std::size_t>(partitions),
                        replication_factor, start, start);
}

}  // namespace millrace::controller
