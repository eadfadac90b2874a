#include "broker/server/broker_registration.h"

#include <utility>

#include "broker/base/logging.h"
#include "broker/metadata/cluster_founding.h"
#include "broker/metadata/store_tasks.h"
#include "broker/metadata/znodes/cluster_identity.h"
#include "broker/metadata/znodes/entity_config.h"
#include "broker/metadata/znodes/znode_paths.h"

namespace millrace::server {
namespace {

using metadata::MetadataStore;
namespace znodes = metadata::znodes;

tl::unexpected<Error> other_cluster(const std::string& what, const std::string& theirs, const std::string& ours) {
  return fail(ErrorKind::conflict, what + " of cluster " + theirs + ", but the metadata store is that of cluster " +
                                       ours + ": they do not belong together");
}

// The cluster's id as the store has it; nothing when it was never founded.
Task<Result<std::optional<std::string>>> standing_cluster_id(MetadataStore& store) {
  auto found = co_await metadata::get(store, std::string(znodes::paths::cluster_id));
  if (!found) {
    if (found.error().kind == ErrorKind::not_found) co_return std::optional<std::string>();
    co_return tl::unexpected(found.error());
  }
  auto id = znodes::decode_cluster_id(found->data);
  if (!id) co_return tl::unexpected(id.error());
  co_return std::optional<std::string>(std::move(*id));
}

Task<Result<std::string>> agree_on_cluster(MetadataStore& store, Random& random, const JoinRequest& request) {
  auto standing = co_await standing_cluster_id(store);
  if (!standing) co_return tl::unexpected(standing.error());
  if (!*standing && !request.stored_cluster_id.empty()) {
    // Founding a cluster now would orphan every topic in these directories.
    co_return fail(ErrorKind::conflict,
                   "the log directories hold data of cluster " + request.stored_cluster_id +
                       ", but the metadata store is empty: give it back, or use an empty log directory");
  }
  auto id = co_await completion<Result<std::string>>(
      [&](auto reply) { metadata::found_cluster(store, random, request.wanted_cluster_id, std::move(reply)); });
  if (!id) co_return id;
  if (!request.stored_cluster_id.empty() && request.stored_cluster_id != *id) {
    co_return other_cluster("the log directories hold data", request.stored_cluster_id, *id);
  }
  if (!request.wanted_cluster_id.empty() && request.wanted_cluster_id != *id) {
    co_return other_cluster("millrace.cluster.id is that", request.wanted_cluster_id, *id);
  }
  co_return id;
}

// The version that a write gives /brokers/seqid is a number that no other broker gets (Kafka: generateBrokerSequenceId).
Task<Result<BrokerId>> choose_broker_id(MetadataStore& store, const JoinRequest& request) {
  const auto none = BrokerId::none();
  if (request.wanted_broker_id != none && request.stored_broker_id != none &&
      request.wanted_broker_id != request.stored_broker_id) {
    co_return fail(ErrorKind::conflict, "broker.id is " + std::to_string(request.wanted_broker_id.value()) +
                                            ", but the log directories are those of broker " +
                                            std::to_string(request.stored_broker_id.value()));
  }
  if (request.wanted_broker_id != none) co_return request.wanted_broker_id;
  if (request.stored_broker_id != none) co_return request.stored_broker_id;
  auto numbered = co_await metadata::set(store, std::string(znodes::paths::broker_sequence), "");
  if (!numbered) co_return tl::unexpected(numbered.error());
  co_return request.first_generated_broker_id + (numbered->version.value() - 1);
}

// Nothing is set where there is no znode.
Task<Result<metadata::ConfigMap>> stored_config(MetadataStore& store, metadata::ConfigOwner owner) {
  const auto path = znodes::config_path(owner.entity, stored_name(owner));
  auto znode = co_await metadata::get(store, path);
  if (!znode) {
    if (znode.error().kind == ErrorKind::not_found) co_return metadata::ConfigMap();
    co_return tl::unexpected(znode.error());
  }
  auto config = znodes::decode_config(znode->data);
  if (config) co_return config;
  // As in the image: what cannot be read is reported and counts as nothing.
  Logger{"server"}.error("znode " + path + ": " + config.error().message);
  co_return metadata::ConfigMap();
}

}  // namespace

Task<Result<Identity>> identify(MetadataStore& store, Random& random, JoinRequest request) {
  auto cluster_id = co_await agree_on_cluster(store, random, request);
  if (!cluster_id) co_return tl::unexpected(cluster_id.error());
  auto id = co_await choose_broker_id(store, request);
  if (!id) co_return tl::unexpected(id.error());
  co_return Identity{std::move(*cluster_id), *id};
}

Task<Result<StoredBrokerConfigs>> read_broker_configs(MetadataStore& store, BrokerId id) {
  auto all_brokers = co_await stored_config(store, metadata::ConfigOwner::all_brokers());
  if (!all_brokers) co_return tl::unexpected(all_brokers.error());
  auto of_broker = co_await stored_config(store, metadata::ConfigOwner::broker(id));
  if (!of_broker) co_return tl::unexpected(of_broker.error());
  co_return StoredBrokerConfigs{std::move(*all_brokers), std::move(*of_broker)};
}

Task<Result<Registration>> register_broker(MetadataStore& store, BrokerId id, znodes::BrokerRegistration znode) {
  const auto mark = znodes::broker_mark_path(id);
  auto placed = co_await completion<Status>([&](auto reply) { metadata::create_path(store, mark, std::move(reply)); });
  if (!placed) co_return tl::unexpected(placed.error());
  // One write: whoever sees the registration finds that it is Millrace's.
  std::vector<metadata::Operation> both{
      metadata::CreateOperation{znodes::broker_path(id), znodes::encode(znode), metadata::CreateMode::ephemeral},
      metadata::SetOperation{mark, std::string(znodes::paths::broker_mark)}};
  auto registered = co_await metadata::multi(store, std::move(both));
  if (!registered) co_return tl::unexpected(registered.error());
  if (!registered->applied()) {
    if (registered->failure->error.kind != ErrorKind::already_exists)
      co_return tl::unexpected(registered->failure->error);
    co_return fail(ErrorKind::conflict,
                   "another broker with id " + std::to_string(id.value()) + " is registered in this cluster");
  }
  const auto& stat = std::get<metadata::Created>(registered->results.front()).stat;
  co_return Registration{id, BrokerEpoch(stat.czxid.value()), std::move(znode.endpoints)};
}

Task<Status> update_registration(MetadataStore& store, BrokerId id, znodes::BrokerRegistration znode) {
  auto updated = co_await metadata::set(store, znodes::broker_path(id), znodes::encode(znode));
  if (!updated) co_return tl::unexpected(updated.error());
  co_return Status{};
}

}  // namespace millrace::server
