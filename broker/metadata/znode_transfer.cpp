#include "broker/metadata/znode_transfer.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "broker/metadata/znode_path.h"
#include "broker/metadata/znodes/cluster_identity.h"
#include "broker/metadata/znodes/controller_registration.h"
#include "broker/metadata/znodes/partition_state.h"
#include "broker/metadata/znodes/producer_id_block.h"
#include "broker/metadata/znodes/topic_assignment.h"
#include "broker/metadata/znodes/znode_paths.h"

namespace millrace::metadata {
namespace {

namespace paths = znodes::paths;

// The receiver has these as the giver has them, with everything below.
constexpr auto mirrored = std::to_array<std::string_view>(
    {paths::topics, "/config/topics", "/config/clients", "/config/users", "/config/brokers", "/config/ips",
     paths::delete_topics, "/admin/reassign_partitions", "/kafka-acl", "/kafka-acl-extended",
     "/delegation_token/tokens"});

// A generated id is one version of a znode: so many writes are the most that make up for a difference.
constexpr std::int32_t most_generated_ids = 100'000;

bool lies_below(std::string_view path, std::string_view root) {
  return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
}

const TransferredZnode* find(const ZnodeSnapshot& snapshot, std::string_view path) {
  auto at = snapshot.znodes.find(path);
  return at == snapshot.znodes.end() ? nullptr : &at->second;
}

tl::unexpected<Error> in_znode(const ZnodeSnapshot& snapshot, std::string_view path, const Error& error) {
  return fail(error.kind, "znode " + std::string(path) + " of " + snapshot.name + ": " + error.message);
}

Result<std::optional<std::string>> cluster_of(const ZnodeSnapshot& snapshot) {
  const auto* znode = find(snapshot, paths::cluster_id);
  if (znode == nullptr) return std::optional<std::string>();
  auto id = znodes::decode_cluster_id(znode->data);
  if (!id) return in_znode(snapshot, paths::cluster_id, id.error());
  return std::optional<std::string>(std::move(*id));
}

Result<ControllerEpoch> controller_epoch_of(const ZnodeSnapshot& snapshot) {
  const auto* znode = find(snapshot, paths::controller_epoch);
  if (znode == nullptr) return ControllerEpoch(0);
  auto epoch = znodes::decode_controller_epoch(znode->data);
  if (!epoch) return in_znode(snapshot, paths::controller_epoch, epoch.error());
  return epoch;
}

Result<std::optional<znodes::ProducerIdBlock>> producer_ids_of(const ZnodeSnapshot& snapshot) {
  const auto* znode = find(snapshot, paths::producer_id_block);
  if (znode == nullptr || znode->data.empty()) return std::optional<znodes::ProducerIdBlock>();
  auto block = znodes::decode_producer_id_block(znode->data);
  if (!block) return in_znode(snapshot, paths::producer_id_block, block.error());
  return std::optional<znodes::ProducerIdBlock>(*block);
}

// Neither store may be in use while one is read and the other written.
Status check_idle(const ZnodeSnapshot& snapshot) {
  for (const auto& [path, znode] : snapshot.znodes) {
    if (path == paths::controller) {
      auto controller = znodes::decode_controller_registration(znode.data);
      return fail(
          ErrorKind::conflict,
          snapshot.name + " has a controller" +
              (controller ? ", broker " + std::to_string(controller->broker.value()) : std::string()) +
              ": stop the brokers of the cluster first, and after a kill wait until their sessions have expired");
    }
    if (path.size() > paths::broker_ids.size() && lies_below(path, paths::broker_ids)) {
      return fail(ErrorKind::conflict, "broker " + std::string(base_name(path)) + " is registered in " + snapshot.name +
                                           ": stop it first, and after a kill wait until its session has expired");
    }
  }
  return {};
}

// Plans what makes the receiver's znodes those of the giver.
class Plan {
 public:
  Plan(const ZnodeSnapshot& from, const ZnodeSnapshot& to) : from_(from), to_(to) {}

  Result<ZnodeTransfer> make() {
    if (auto same = agree_on_cluster(); !same) return tl::unexpected(same.error());
    if (auto later = check_controllers(); !later) return tl::unexpected(later.error());
    for (auto path : paths::persistent) put_path(std::string(path));
    for (auto root : mirrored) mirror(root);
    if (auto given = give_producer_ids(); !given) return tl::unexpected(given.error());
    give_generated_broker_ids();
    if (const auto* epoch = find(from_, paths::controller_epoch))
      put(std::string(paths::controller_epoch), epoch->data);
    put(std::string(paths::cluster_id), find(from_, paths::cluster_id)->data);
    count();
    return std::move(transfer_);
  }

 private:
  Status agree_on_cluster() {
    auto given = cluster_of(from_);
    if (!given) return tl::unexpected(given.error());
    if (!*given) return fail(ErrorKind::not_found, from_.name + " has no cluster: there is no /cluster/id");
    auto standing = cluster_of(to_);
    if (!standing) return tl::unexpected(standing.error());
    transfer_.cluster_id = **given;
    if (!*standing || **standing == **given) return {};
    return fail(ErrorKind::conflict, to_.name + " belongs to cluster " + **standing + ", and " + from_.name +
                                         " to cluster " + **given + ": nothing was written");
  }

  // Every start of a broker of one makes a new controller: whoever had the later one has the later topics.
  Status check_controllers() {
    auto given = controller_epoch_of(from_);
    if (!given) return tl::unexpected(given.error());
    auto standing = controller_epoch_of(to_);
    if (!standing) return tl::unexpected(standing.error());
    if (*standing <= *given) return {};
    return fail(ErrorKind::conflict, to_.name + " has had a later controller (epoch " +
                                         std::to_string(standing->value()) + ") than " + from_.name + " (epoch " +
                                         std::to_string(given->value()) +
                                         "): its topics are newer. Nothing was written");
  }

  // Whatever stands there stays.
  void put_path(const std::string& path) {
    if (path.size() <= 1 || find(to_, path) != nullptr || made_.contains(path)) return;
    put_path(std::string(parent_path(path)));
    made_.emplace(path, 0);
    const auto* given = find(from_, path);
    transfer_.operations.emplace_back(CreateOperation{path, given == nullptr ? "" : given->data});
  }

  void put(std::string path, const std::string& data) {
    if (const auto* standing = find(to_, path)) {
      if (standing->data != data) transfer_.operations.emplace_back(SetOperation{std::move(path), data});
    } else {
      put_path(path);
    }
  }

  void mirror(std::string_view root) {
    for (auto at = from_.znodes.lower_bound(root); at != from_.znodes.end() && at->first.starts_with(root); ++at) {
      if (lies_below(at->first, root) && !at->second.is_ephemeral) put(at->first, at->second.data);
    }
    std::vector<std::string> gone;
    for (auto at = to_.znodes.lower_bound(root); at != to_.znodes.end() && at->first.starts_with(root); ++at) {
      if (lies_below(at->first, root) && at->first != root && find(from_, at->first) == nullptr)
        gone.push_back(at->first);
    }
    // Children stand behind their parents.
    for (auto path = gone.rbegin(); path != gone.rend(); ++path) {
      transfer_.operations.emplace_back(RemoveOperation{std::move(*path)});
    }
  }

  // Neither store may hand out an id that the other has given to a producer.
  Status give_producer_ids() {
    auto given = producer_ids_of(from_);
    if (!given) return tl::unexpected(given.error());
    auto standing = producer_ids_of(to_);
    if (!standing) return tl::unexpected(standing.error());
    const bool is_later = *given && (!*standing || (*standing)->last < (*given)->last);
    if (is_later && find(to_, paths::producer_id_block) != nullptr) {
      put(std::string(paths::producer_id_block), find(from_, paths::producer_id_block)->data);
    }
    return {};
  }

  void give_generated_broker_ids() {
    const std::string path(paths::broker_sequence);
    const auto* given = find(from_, path);
    const auto* standing = find(to_, path);
    const auto missing = (given == nullptr ? 0 : given->version) - (standing == nullptr ? 0 : standing->version);
    for (std::int32_t i = 0; i < std::min(missing, most_generated_ids); ++i) {
      transfer_.operations.emplace_back(SetOperation{path, ""});
    }
  }

  void count() {
    for (const auto& [path, znode] : from_.znodes) {
      const auto parent = parent_path(path);
      if (parent == paths::topics) ++transfer_.topics;
      if (path.ends_with("/state") && lies_below(path, paths::topics)) ++transfer_.partitions;
      if (parent.size() > paths::config.size() && lies_below(parent, paths::config) && !znode.data.empty())
        ++transfer_.configurations;
    }
  }

  const ZnodeSnapshot& from_;
  const ZnodeSnapshot& to_;
  std::map<std::string, int, std::less<>> made_;
  ZnodeTransfer transfer_;
};

// The one broker that has all replicas.
class SoleBroker {
 public:
  explicit SoleBroker(BrokerId wanted) : id_(wanted) {}

  Status take(ZnodeSnapshot& snapshot) {
    for (auto& [path, znode] : snapshot.znodes) {
      Status taken;
      if (parent_path(path) == paths::topics) taken = take_topic(path, znode);
      if (path.ends_with("/state") && lies_below(path, paths::topics)) taken = take_state(snapshot, znode);
      if (!taken) return in_znode(snapshot, path, taken.error());
    }
    return {};
  }

 private:
  Status take_topic(const std::string& path, const TransferredZnode& znode) {
    auto assignment = znodes::decode_topic_assignment(znode.data);
    if (!assignment) return tl::unexpected(assignment.error());
    for (const auto& partition : assignment->partitions) {
      if (id_ == BrokerId::none() && !partition.replicas.empty()) id_ = partition.replicas.front();
      if (partition.replicas == std::vector{id_}) continue;
      std::string where;
      for (auto replica : partition.replicas) where += (where.empty() ? "" : ", ") + std::to_string(replica.value());
      return fail(ErrorKind::unsupported, "partition " + std::to_string(partition.index.value()) + " of topic " +
                                              std::string(base_name(path)) + " has its replicas on broker " + where +
                                              ", not on broker " + std::to_string(id_.value()) +
                                              " alone: an embedded metadata store serves one broker");
    }
    return {};
  }

  Status take_state(const ZnodeSnapshot& snapshot, TransferredZnode& znode) const {
    auto state = znodes::decode_partition_state(znode.data);
    if (!state) return tl::unexpected(state.error());
    if (state->leader != BrokerId::none() || std::ranges::find(state->isr, id_) == state->isr.end()) return {};
    auto epoch = controller_epoch_of(snapshot);
    if (!epoch) return tl::unexpected(epoch.error());
    state->leader = id_;
    state->leader_epoch = state->leader_epoch + 1;
    state->controller_epoch = *epoch;
    znode.data = znodes::encode(*state);
    return {};
  }

  BrokerId id_;
};

}  // namespace

const std::vector<std::string>& transferred_roots() {
  static const auto roots = [] {
    std::vector<std::string> all{"/brokers", "/config", "/admin"};
    for (auto path : {paths::cluster_id, paths::controller, paths::controller_epoch, paths::producer_id_block,
                      paths::isr_changes, paths::log_dir_events})
      all.emplace_back(path);
    for (auto path : {"/consumers", "/cluster", "/kafka-acl", "/kafka-acl-extended", "/delegation_token/tokens"})
      all.emplace_back(path);
    return all;
  }();
  return roots;
}

Result<ZnodeTransfer> plan_export(const ZnodeSnapshot& embedded, const ZnodeSnapshot& zookeeper) {
  // The embedded store's own registrations are those of a process that has gone: its lock is ours.
  if (auto idle = check_idle(zookeeper); !idle) return tl::unexpected(idle.error());
  return Plan(embedded, zookeeper).make();
}

Result<ZnodeTransfer> plan_import(ZnodeSnapshot zookeeper, const ZnodeSnapshot& embedded, BrokerId broker) {
  if (auto idle = check_idle(zookeeper); !idle) return tl::unexpected(idle.error());
  if (auto taken = SoleBroker(broker).take(zookeeper); !taken) return tl::unexpected(taken.error());
  return Plan(zookeeper, embedded).make();
}

}  // namespace millrace::metadata
