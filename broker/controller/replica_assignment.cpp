#include "broker/controller/replica_assignment.h"

#include <algorithm>
#include <string>

namespace millrace::controller {

Result<std::vector<std::vector<BrokerId>>> assign_replicas(const std::vector<BrokerId>& brokers,
                                                           std::int32_t partitions, std::int32_t replication_factor,
                                                           Random& random) {
  if (partitions <= 0) return fail(ErrorKind::invalid_argument, "Number of partitions must be larger than 0.");
  if (replication_factor <= 0) return fail(ErrorKind::invalid_argument, "Replication factor must be larger than 0.");
  if (static_cast<std::size_t>(replication_factor) > brokers.size()) {
    return fail(ErrorKind::invalid_argument, "Replication factor: " + std::to_string(replication_factor) +
                                                 " larger than available brokers: " + std::to_string(brokers.size()) +
                                                 ".");
  }
  auto ring = brokers;
  std::ranges::sort(ring);
  const std::size_t start = random.below(ring.size());
  std::size_t shift = random.below(ring.size());
  std::vector<std::vector<BrokerId>> assignment(static_cast<std::size_t>(partitions));
  for (std::size_t partition = 0; partition < assignment.size(); ++partition) {
    if (partition > 0 && partition % ring.size() == 0) ++shift;
    const std::size_t leader = (partition + start) % ring.size();
    auto& replicas = assignment[partition];
    replicas.push_back(ring[leader]);
    for (std::size_t follower = 0; follower + 1 < static_cast<std::size_t>(replication_factor); ++follower) {
      const std::size_t distance = 1 + (shift + follower) % (ring.size() - 1);
      replicas.push_back(ring[(leader + distance) % ring.size()]);
    }
  }
  return assignment;
}

}  // namespace millrace::controller
