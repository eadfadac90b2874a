#include "broker/controller/topic_commands.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "broker/base/logging.h"
#include "broker/base/task.h"
#include "broker/metadata/store_retry.h"
#include "broker/metadata/store_tasks.h"
#include "broker/metadata/znode_path.h"
#include "broker/metadata/znodes/entity_config.h"
#include "broker/metadata/znodes/partition_state.h"
#include "broker/metadata/znodes/topic_assignment.h"
#include "broker/metadata/znodes/znode_paths.h"

namespace millrace::controller {
namespace {

using metadata::CheckOperation;
using metadata::CreateOperation;
using metadata::MetadataStore;
using metadata::Operation;
using metadata::RemoveOperation;
using metadata::SetOperation;
using metadata::Znode;
namespace znodes = metadata::znodes;
using metadata::ConfigEntity;
using znodes::config_path;
using znodes::delete_topic_path;
using znodes::partition_path;
using znodes::partition_state_path;
using znodes::partitions_path;
using znodes::topic_path;
namespace paths = znodes::paths;

constexpr Logger logger{"controller"};
// How often a command looks again because somebody else wrote in between; lost connections are waited out by StoreRetry.
constexpr int max_attempts = 10;
// Keeps a multi far below request_bytes_max: two znodes of about 250 bytes with their paths for each partition.
constexpr std::size_t partitions_per_multi = 500;

// What tells that a read before a write is out of date.
bool is_overtaken(const Error& error) {
  return error.kind == ErrorKind::already_exists || error.kind == ErrorKind::not_found ||
         error.kind == ErrorKind::not_empty;
}

}  // namespace

class TopicCommands::State {
 public:
  State(MetadataStore& store, ControllerTerm term) : store_(store), term_(term) {}

  Task<Status> create(NewTopic topic) {
    metadata::StoreRetry retry(store_.shard());
    while (true) {
      auto made = co_await create_znode(topic);
      if (made) break;
      if (!retry.worth_it(made.error())) co_return made;
      co_await retry.pause();
    }
    co_return co_await make_partition_states(topic.name, topic.assignment);
  }

  Task<Status> grow(std::string name, GrowthPlan plan) {
    metadata::StoreRetry retry(store_.shard());
    std::vector<std::vector<BrokerId>> all;  // the replicas of every partition, once they are decided on
    for (int attempt = 0;;) {
      auto grown = co_await grow_znode(name, plan, all);
      if (grown) break;
      // Somebody else wrote the znode: what it says now decides.
      if (grown.error().kind == ErrorKind::version_mismatch && ++attempt < max_attempts) continue;
      if (!retry.worth_it(grown.error())) co_return grown;
      co_await retry.pause();
    }
    if (all.empty()) co_return Status{};
    co_return co_await make_partition_states(std::move(name), std::move(all));
  }

  Task<Status> remove(std::string name) {
    metadata::StoreRetry retry(store_.shard());
    while (true) {
      auto recorded = co_await record_deletion(name);
      if (recorded) break;
      if (!retry.worth_it(recorded.error())) co_return recorded;
      co_await retry.pause();
    }
    co_return co_await carry_out_deletion(std::move(name));
  }

  Task<Status> resume() {
    metadata::StoreRetry retry(store_.shard());
    while (true) {
      auto resumed = co_await resume_once();
      if (resumed || !retry.worth_it(resumed.error())) co_return resumed;
      co_await retry.pause();
    }
  }

 private:
  // `all` is empty until a plan was made; it is what the znode must say in the end.
  Task<Status> grow_znode(const std::string& name, GrowthPlan& plan, std::vector<std::vector<BrokerId>>& all) {
    auto doomed = co_await exists(delete_topic_path(name));
    if (!doomed) co_return tl::unexpected(doomed.error());
    if (*doomed) co_return fail(ErrorKind::not_empty, "topic " + name + " is being deleted");
    auto znode = co_await get(topic_path(name));
    if (!znode) co_return tl::unexpected(znode.error());
    auto payload = znodes::decode_topic_assignment(znode->data);
    if (!payload) co_return tl::unexpected(payload.error());

    std::vector<std::vector<BrokerId>> standing;
    for (const auto& partition : payload->partitions) standing.push_back(partition.replicas);
    // By an earlier attempt of this call, whose answer was lost.
    if (!all.empty() && standing.size() >= all.size() && std::equal(all.begin(), all.end(), standing.begin())) {
      all = std::move(standing);
      co_return Status{};
    }
    all.clear();
    auto added = plan(*payload);
    if (added.empty()) co_return Status{};
    all = std::move(standing);
    for (auto& replicas : added) {
      payload->partitions.push_back({PartitionIndex(static_cast<std::int32_t>(all.size())), replicas, {}, {}});
      all.push_back(std::move(replicas));
    }
    std::vector<Operation> operations{epoch_check(),
                                      SetOperation{topic_path(name), znodes::encode(*payload), znode->stat.version}};
    co_return co_await apply(std::move(operations));
  }

  Task<Status> record_deletion(const std::string& name) {
    auto there = co_await exists(topic_path(name));
    if (!there) co_return tl::unexpected(there.error());
    if (!*there) co_return fail(ErrorKind::not_found, "topic " + name + " does not exist");
    std::vector<Operation> operations{epoch_check(), CreateOperation{delete_topic_path(name), ""}};
    auto recorded = co_await apply(std::move(operations));
    if (!recorded && recorded.error().kind != ErrorKind::already_exists) co_return recorded;
    co_return Status{};
  }

  Task<Status> resume_once() {
    auto doomed = co_await children(std::string(paths::delete_topics));
    if (!doomed) co_return tl::unexpected(doomed.error());
    for (const auto& name : *doomed) {
      logger.info("finishing the deletion of topic " + name);
      if (auto removed = co_await carry_out_deletion(name); !removed) co_return removed;
    }
    auto topics = co_await children(std::string(paths::topics));
    if (!topics) co_return tl::unexpected(topics.error());
    for (const auto& name : *topics) {
      auto znode = co_await get(topic_path(name));
      if (!znode) co_return tl::unexpected(znode.error());
      auto topic = znodes::decode_topic_assignment(znode->data);
      if (!topic) {
        logger.error("the znode of topic " + name + " cannot be read and is left alone: " + topic.error().message);
        continue;
      }
      std::vector<std::vector<BrokerId>> assignment;
      for (const auto& partition : topic->partitions) assignment.push_back(partition.replicas);
      if (auto made = co_await make_partition_states(name, assignment); !made) co_return made;
    }
    co_return Status{};
  }

  [[nodiscard]] CheckOperation epoch_check() const {
    return {std::string(paths::controller_epoch), term_.epoch_version};
  }

  Task<Result<Znode>> get(std::string path) { co_return co_await metadata::get(store_, std::move(path)); }

  Task<Result<bool>> exists(std::string path) {
    auto found = co_await metadata::exists(store_, std::move(path));
    if (!found) co_return tl::unexpected(found.error());
    co_return found->has_value();
  }

  // Nothing when the parent is not there.
  Task<Result<std::vector<std::string>>> children(std::string path) {
    auto found = co_await metadata::children(store_, std::move(path));
    if (found) co_return std::move(found->names);
    if (found.error().kind == ErrorKind::not_found) co_return std::vector<std::string>();
    co_return tl::unexpected(found.error());
  }

  Task<Status> apply(std::vector<Operation> operations) {
    auto outcome = co_await metadata::multi(store_, std::move(operations));
    if (!outcome) co_return tl::unexpected(outcome.error());
    if (outcome->failure) {
      if (outcome->failure->operation == 0 && outcome->failure->error.kind == ErrorKind::version_mismatch) {
        co_return fail(ErrorKind::conflict, "another broker is the controller now");
      }
      co_return tl::unexpected(outcome->failure->error);
    }
    co_return Status{};
  }

  Task<Status> create_znode(const NewTopic& topic) {
    auto doomed = co_await exists(delete_topic_path(topic.name));
    if (!doomed) co_return tl::unexpected(doomed.error());
    if (*doomed) co_return fail(ErrorKind::already_exists, "topic " + topic.name + " is being deleted");
    // A configuration may have outlived an earlier topic of the name.
    auto configured = co_await exists(config_path(ConfigEntity::topics, topic.name));
    if (!configured) co_return tl::unexpected(configured.error());

    znodes::TopicAssignment payload;
    payload.id = topic.id;
    for (std::size_t i = 0; i < topic.assignment.size(); ++i) {
      payload.partitions.push_back({PartitionIndex(static_cast<std::int32_t>(i)), topic.assignment[i], {}, {}});
    }
    const auto config_at = config_path(ConfigEntity::topics, topic.name);
    auto config = znodes::encode_config(topic.configs);
    std::vector<Operation> operations{epoch_check()};
    if (*configured) {
      operations.emplace_back(SetOperation{config_at, std::move(config)});
    } else {
      operations.emplace_back(CreateOperation{config_at, std::move(config)});
    }
    operations.emplace_back(CreateOperation{topic_path(topic.name), znodes::encode(payload)});
    auto applied = co_await apply(std::move(operations));
    if (applied || applied.error().kind != ErrorKind::already_exists) co_return applied;
    co_return co_await check_own(topic, applied.error());
  }

  // The znode is there already: by an earlier attempt of this call, or by somebody else.
  Task<Status> check_own(const NewTopic& topic, Error already_exists) {
    auto standing = co_await get(topic_path(topic.name));
    if (!standing) {
      // Only the configuration was in the way: it came in between, try again.
      if (standing.error().kind == ErrorKind::not_found)
        co_return fail(ErrorKind::connection_loss, already_exists.message);
      co_return tl::unexpected(standing.error());
    }
    auto payload = znodes::decode_topic_assignment(standing->data);
    if (payload && payload->id == topic.id) co_return Status{};
    co_return tl::unexpected(std::move(already_exists));
  }

  Task<Result<std::set<BrokerId>>> live_brokers() {
    auto names = co_await children(std::string(paths::broker_ids));
    if (!names) co_return tl::unexpected(names.error());
    std::set<BrokerId> live;
    for (const auto& name : *names) {
      std::int32_t id = 0;
      auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
      if (error == std::errc{} && end == name.data() + name.size()) live.insert(BrokerId(id));
    }
    co_return live;
  }

  // The first live replica leads, the live ones are in sync (Kafka: PartitionStateMachine.initializeLeaderAndIsrForPartitions).
  // A partition whose replicas are all dead stays without a state.
  void add_state(std::vector<Operation>& operations, const std::string& topic, PartitionIndex partition,
                 const std::vector<BrokerId>& replicas, const std::set<BrokerId>& live) const {
    znodes::PartitionState state;
    for (auto replica : replicas) {
      if (live.contains(replica)) state.isr.push_back(replica);
    }
    if (state.isr.empty()) return;
    state.leader = state.isr.front();
    state.leader_epoch = LeaderEpoch(0);
    state.controller_epoch = term_.epoch;
    operations.emplace_back(CreateOperation{partition_path(topic, partition), ""});
    operations.emplace_back(CreateOperation{partition_state_path(topic, partition), znodes::encode(state)});
  }

  Task<Status> make_partition_states(std::string topic, std::vector<std::vector<BrokerId>> assignment) {
    metadata::StoreRetry retry(store_.shard());
    for (int attempt = 0;;) {
      auto outcome = co_await make_missing_states(topic, assignment);
      if (outcome) co_return outcome;
      if (is_overtaken(outcome.error()) && ++attempt < max_attempts) continue;
      if (!retry.worth_it(outcome.error())) co_return outcome;
      co_await retry.pause();
    }
  }

  Task<Status> make_missing_states(const std::string& topic, const std::vector<std::vector<BrokerId>>& assignment) {
    auto live = co_await live_brokers();
    if (!live) co_return tl::unexpected(live.error());
    auto folder = co_await exists(partitions_path(topic));
    if (!folder) co_return tl::unexpected(folder.error());
    auto names = co_await children(partitions_path(topic));
    if (!names) co_return tl::unexpected(names.error());
    const std::set<std::string> standing(names->begin(), names->end());
    std::vector<Operation> operations{epoch_check()};
    if (!*folder) operations.emplace_back(CreateOperation{partitions_path(topic), ""});
    for (std::size_t i = 0; i < assignment.size(); ++i) {
      if (!standing.contains(std::to_string(i))) {
        add_state(operations, topic, PartitionIndex(static_cast<std::int32_t>(i)), assignment[i], *live);
      }
      bool full = operations.size() >= 2 * partitions_per_multi;
      if (operations.size() == 1 || (!full && i + 1 < assignment.size())) continue;
      if (auto made = co_await apply(std::exchange(operations, {epoch_check()})); !made) co_return made;
    }
    co_return Status{};
  }

  Task<Status> carry_out_deletion(std::string name) {
    metadata::StoreRetry retry(store_.shard());
    for (int attempt = 0;;) {
      auto outcome = co_await delete_znodes(name);
      if (outcome) co_return outcome;
      if (is_overtaken(outcome.error()) && ++attempt < max_attempts) continue;
      if (!retry.worth_it(outcome.error())) co_return outcome;
      co_await retry.pause();
    }
  }

  Task<Status> delete_znodes(const std::string& name) {
    auto partitions = co_await children(partitions_path(name));
    if (!partitions) co_return tl::unexpected(partitions.error());
    std::vector<Operation> operations{epoch_check()};
    for (const auto& index : *partitions) {
      const auto partition = metadata::child_path(partitions_path(name), index);
      auto below = co_await children(partition);
      if (!below) co_return tl::unexpected(below.error());
      for (const auto& child : *below) operations.emplace_back(RemoveOperation{metadata::child_path(partition, child)});
      operations.emplace_back(RemoveOperation{partition});
      if (operations.size() < 2 * partitions_per_multi) continue;
      if (auto removed = co_await apply(std::exchange(operations, {epoch_check()})); !removed) co_return removed;
    }
    for (const auto& path :
         {partitions_path(name), topic_path(name), config_path(ConfigEntity::topics, name), delete_topic_path(name)}) {
      auto there = co_await exists(path);
      if (!there) co_return tl::unexpected(there.error());
      if (*there) operations.emplace_back(RemoveOperation{path});
    }
    if (operations.size() == 1) co_return Status{};
    co_return co_await apply(std::move(operations));
  }

  MetadataStore& store_;
  const ControllerTerm term_;
};

TopicCommands::TopicCommands(metadata::MetadataStore& store, ControllerTerm term)
    : state_(std::make_shared<State>(store, term)) {}
TopicCommands::~TopicCommands() = default;

namespace {

// Keeps the state alive until the command is over.
template <class State>
Task<Status> holding([[maybe_unused]] std::shared_ptr<State> state, Task<Status> command) {
  auto outcome = co_await std::move(command);
  co_return outcome;
}

}  // namespace

void TopicCommands::create(NewTopic topic, Completion done) {
  spawn(holding(state_, state_->create(std::move(topic))), std::move(done));
}
void TopicCommands::grow(std::string name, GrowthPlan plan, Completion done) {
  spawn(holding(state_, state_->grow(std::move(name), std::move(plan))), std::move(done));
}
void TopicCommands::remove(std::string name, Completion done) {
  spawn(holding(state_, state_->remove(std::move(name))), std::move(done));
}
void TopicCommands::resume(Completion done) { spawn(holding(state_, state_->resume()), std::move(done)); }

}  // namespace millrace::controller
