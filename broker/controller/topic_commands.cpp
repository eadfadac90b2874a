#include "broker/controller/topic_commands.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "broker/base/logging.h"
#include "broker/base/task.h"
#include "broker/metadata/znode_paths.h"
#include "broker/metadata/znode_payloads.h"

namespace millrace::controller {
namespace {

using metadata::CheckOperation;
using metadata::Children;
using metadata::CreateOperation;
using metadata::MetadataStore;
using metadata::MultiResult;
using metadata::Operation;
using metadata::RemoveOperation;
using metadata::SetOperation;
using metadata::Stat;
using metadata::Watch;
using metadata::Znode;
namespace paths = metadata::znode_paths;

constexpr Logger logger{"controller"};
constexpr int max_attempts = 10;
// Keeps a multi far below request_bytes_max: two znodes of about 250 bytes with their paths for each partition.
constexpr std::size_t partitions_per_multi = 500;

bool is_unknown(const Error& error) { return error.kind == ErrorKind::connection_loss; }

}  // namespace

class TopicCommands::State {
 public:
  State(MetadataStore& store, ControllerTerm term) : store_(store), term_(term) {}

  Task<Status> create(NewTopic topic) {
    for (int attempt = 0; attempt < max_attempts; ++attempt) {
      auto made = co_await create_znode(topic);
      if (made || !is_unknown(made.error())) {
        if (!made) co_return made;
        co_return co_await make_partition_states(topic.name, topic.assignment);
      }
    }
    co_return fail(ErrorKind::connection_loss, "whether topic " + topic.name + " was created is not known");
  }

  Task<Status> remove(std::string name) {
    auto there = co_await exists(paths::topic(name));
    if (!there) co_return tl::unexpected(there.error());
    if (!*there) co_return fail(ErrorKind::not_found, "topic " + name + " does not exist");
    std::vector<Operation> operations{epoch_check(), CreateOperation{paths::delete_topic(name), ""}};
    auto recorded = co_await apply(std::move(operations));
    if (!recorded && recorded.error().kind != ErrorKind::already_exists) co_return recorded;
    co_return co_await carry_out_deletion(std::move(name));
  }

  Task<Status> resume() {
    auto doomed = co_await children(paths::delete_topics);
    if (!doomed) co_return tl::unexpected(doomed.error());
    for (const auto& name : *doomed) {
      logger.info("finishing the deletion of topic " + name);
      if (auto removed = co_await carry_out_deletion(name); !removed) co_return removed;
    }
    auto topics = co_await children(paths::topics);
    if (!topics) co_return tl::unexpected(topics.error());
    for (const auto& name : *topics) {
      auto znode = co_await get(paths::topic(name));
      if (!znode) co_return tl::unexpected(znode.error());
      auto topic = metadata::decode_topic(znode->data);
      if (!topic) {
        logger.error("the znode of topic " + name + " cannot be read and is left alone: " + topic.error().message);
        continue;
      }
      std::vector<std::vector<BrokerId>> assignment;
      for (const auto& [partition, replicas] : topic->partitions) assignment.push_back(replicas);
      if (auto made = co_await make_partition_states(name, assignment); !made) co_return made;
    }
    co_return Status{};
  }

 private:
  [[nodiscard]] CheckOperation epoch_check() const { return {paths::controller_epoch, term_.epoch_version}; }

  Task<Result<Znode>> get(std::string path) {
    co_return co_await completion<Result<Znode>>([&](auto reply) { store_.get(std::move(path), Watch::no, std::move(reply)); });
  }

  Task<Result<bool>> exists(std::string path) {
    auto found = co_await completion<Result<std::optional<Stat>>>(
        [&](auto reply) { store_.exists(std::move(path), Watch::no, std::move(reply)); });
    if (!found) co_return tl::unexpected(found.error());
    co_return found->has_value();
  }

  // Nothing when the parent is not there.
  Task<Result<std::vector<std::string>>> children(std::string path) {
    auto found =
        co_await completion<Result<Children>>([&](auto reply) { store_.children(std::move(path), Watch::no, std::move(reply)); });
    if (found) co_return std::move(found->names);
    if (found.error().kind == ErrorKind::not_found) co_return std::vector<std::string>();
    co_return tl::unexpected(found.error());
  }

  Task<Status> apply(std::vector<Operation> operations) {
    auto outcome =
        co_await completion<Result<MultiResult>>([&](auto reply) { store_.multi(std::move(operations), std::move(reply)); });
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
    auto doomed = co_await exists(paths::delete_topic(topic.name));
    if (!doomed) co_return tl::unexpected(doomed.error());
    if (*doomed) co_return fail(ErrorKind::already_exists, "topic " + topic.name + " is being deleted");
    // A configuration may have outlived an earlier topic of the name.
    auto configured = co_await exists(paths::config("topics", topic.name));
    if (!configured) co_return tl::unexpected(configured.error());

    metadata::TopicZnode payload;
    payload.id = topic.id;
    for (std::size_t i = 0; i < topic.assignment.size(); ++i) {
      payload.partitions.emplace(PartitionIndex(static_cast<std::int32_t>(i)), topic.assignment[i]);
    }
    const auto config_path = paths::config("topics", topic.name);
    auto config = metadata::encode_config(topic.configs);
    std::vector<Operation> operations{epoch_check()};
    if (*configured) {
      operations.emplace_back(SetOperation{config_path, std::move(config)});
    } else {
      operations.emplace_back(CreateOperation{config_path, std::move(config)});
    }
    operations.emplace_back(CreateOperation{paths::topic(topic.name), metadata::encode_topic(payload)});
    auto applied = co_await apply(std::move(operations));
    if (applied || applied.error().kind != ErrorKind::already_exists) co_return applied;
    co_return co_await check_own(topic, applied.error());
  }

  // The znode is there already: by an earlier attempt of this call, or by somebody else.
  Task<Status> check_own(const NewTopic& topic, Error already_exists) {
    auto standing = co_await get(paths::topic(topic.name));
    if (!standing) {
      // Only the configuration was in the way: it came in between, try again.
      if (standing.error().kind == ErrorKind::not_found) co_return fail(ErrorKind::connection_loss, already_exists.message);
      co_return tl::unexpected(standing.error());
    }
    auto payload = metadata::decode_topic(standing->data);
    if (payload && payload->id == topic.id) co_return Status{};
    co_return tl::unexpected(std::move(already_exists));
  }

  Task<Result<std::set<BrokerId>>> live_brokers() {
    auto names = co_await children(paths::broker_ids);
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
    metadata::PartitionStateZnode state;
    for (auto replica : replicas) {
      if (live.contains(replica)) state.isr.push_back(replica);
    }
    if (state.isr.empty()) return;
    state.leader = state.isr.front();
    state.leader_epoch = LeaderEpoch(0);
    state.controller_epoch = term_.epoch;
    operations.emplace_back(CreateOperation{paths::partition(topic, partition), ""});
    operations.emplace_back(CreateOperation{paths::partition_state(topic, partition), metadata::encode_partition_state(state)});
  }

  Task<Status> make_partition_states(std::string topic, std::vector<std::vector<BrokerId>> assignment) {
    for (int attempt = 0; attempt < max_attempts; ++attempt) {
      auto live = co_await live_brokers();
      if (!live) co_return tl::unexpected(live.error());
      auto folder = co_await exists(paths::partitions(topic));
      if (!folder) co_return tl::unexpected(folder.error());
      auto standing = co_await children(paths::partitions(topic));
      if (!standing) co_return tl::unexpected(standing.error());
      auto outcome = co_await make_missing_states(topic, assignment, *live, *folder, {standing->begin(), standing->end()});
      if (outcome) co_return outcome;
      bool again = is_unknown(outcome.error()) || outcome.error().kind == ErrorKind::already_exists;
      if (!again) co_return outcome;
    }
    co_return fail(ErrorKind::connection_loss, "the partitions of topic " + topic + " have no leader yet: the outcome is not known");
  }

  Task<Status> make_missing_states(const std::string& topic, const std::vector<std::vector<BrokerId>>& assignment,
                                   const std::set<BrokerId>& live, bool folder, const std::set<std::string>& standing) {
    std::vector<Operation> operations{epoch_check()};
    if (!folder) operations.emplace_back(CreateOperation{paths::partitions(topic), ""});
    for (std::size_t i = 0; i < assignment.size(); ++i) {
      if (!standing.contains(std::to_string(i))) {
        add_state(operations, topic, PartitionIndex(static_cast<std::int32_t>(i)), assignment[i], live);
      }
      bool full = operations.size() >= 2 * partitions_per_multi;
      if (operations.size() == 1 || (!full && i + 1 < assignment.size())) continue;
      if (auto made = co_await apply(std::exchange(operations, {epoch_check()})); !made) co_return made;
    }
    co_return Status{};
  }

  Task<Status> carry_out_deletion(std::string name) {
    for (int attempt = 0; attempt < max_attempts; ++attempt) {
      auto outcome = co_await delete_znodes(name);
      if (outcome) co_return outcome;
      // Somebody removed or added something in between, or the outcome is unknown: look again.
      auto kind = outcome.error().kind;
      bool again = is_unknown(outcome.error()) || kind == ErrorKind::not_found || kind == ErrorKind::not_empty;
      if (!again) co_return outcome;
    }
    co_return fail(ErrorKind::connection_loss, "whether topic " + name + " was deleted is not known");
  }

  Task<Status> delete_znodes(const std::string& name) {
    auto partitions = co_await children(paths::partitions(name));
    if (!partitions) co_return tl::unexpected(partitions.error());
    std::vector<Operation> operations{epoch_check()};
    for (const auto& index : *partitions) {
      const auto partition = metadata::child_path(paths::partitions(name), index);
      auto below = co_await children(partition);
      if (!below) co_return tl::unexpected(below.error());
      for (const auto& child : *below) operations.emplace_back(RemoveOperation{metadata::child_path(partition, child)});
      operations.emplace_back(RemoveOperation{partition});
      if (operations.size() < 2 * partitions_per_multi) continue;
      if (auto removed = co_await apply(std::exchange(operations, {epoch_check()})); !removed) co_return removed;
    }
    for (const auto& path : {paths::partitions(name), paths::topic(name), paths::config("topics", name), paths::delete_topic(name)}) {
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

TopicCommands::TopicCommands(metadata::MetadataStore& store, ControllerTerm term) : state_(std::make_shared<State>(store, term)) {}
TopicCommands::~TopicCommands() = default;

namespace {

// Keeps the state alive until the command is over.
template <class State>
Task<Status> holding(std::shared_ptr<State> state, Task<Status> command) {
  auto outcome = co_await std::move(command);
  co_return outcome;
}

}  // namespace

void TopicCommands::create(NewTopic topic, Completion done) { spawn(holding(state_, state_->create(std::move(topic))), std::move(done)); }
void TopicCommands::remove(std::string name, Completion done) { spawn(holding(state_, state_->remove(std::move(name))), std::move(done)); }
void TopicCommands::resume(Completion done) { spawn(holding(state_, state_->resume()), std::move(done)); }

}  // namespace millrace::controller
