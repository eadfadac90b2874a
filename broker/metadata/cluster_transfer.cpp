#include "broker/metadata/cluster_transfer.h"

#include <utility>

#include "broker/metadata/embedded_znodes.h"
#include "broker/metadata/zookeeper_znodes.h"

namespace millrace::metadata {

Result<ZnodeTransfer> export_cluster(const std::string& directory, const std::string& zookeeper) {
  auto embedded = EmbeddedZnodes::open(directory, true);
  if (!embedded) return tl::unexpected(std::move(embedded.error()));
  auto given = (*embedded)->read();
  if (!given) return tl::unexpected(std::move(given.error()));
  auto session = ZookeeperZnodes::connect(zookeeper);
  if (!session) return tl::unexpected(std::move(session.error()));
  auto standing = (*session)->read(transferred_roots());
  if (!standing) return tl::unexpected(std::move(standing.error()));
  auto plan = plan_export(*given, *standing);
  if (!plan) return plan;
  if (auto written = (*session)->apply(plan->operations); !written) return tl::unexpected(std::move(written.error()));
  return plan;
}

Result<ZnodeTransfer> import_cluster(const std::string& directory, const std::string& zookeeper, BrokerId broker,
                                     const Clock& clock) {
  auto session = ZookeeperZnodes::connect(zookeeper);
  if (!session) return tl::unexpected(std::move(session.error()));
  auto given = (*session)->read(transferred_roots());
  if (!given) return tl::unexpected(std::move(given.error()));
  auto embedded = EmbeddedZnodes::open(directory, false);
  if (!embedded) return tl::unexpected(std::move(embedded.error()));
  auto standing = (*embedded)->read();
  if (!standing) return tl::unexpected(std::move(standing.error()));
  auto plan = plan_import(std::move(*given), *standing, broker);
  if (!plan) return plan;
  if (auto written = (*embedded)->apply(plan->operations, clock); !written)
    return tl::unexpected(std::move(written.error()));
  return plan;
}

}  // namespace millrace::metadata
