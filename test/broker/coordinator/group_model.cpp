#include "test/broker/coordinator/group_model.h"

#include <algorithm>

namespace millrace::coordinator::test {
namespace {

GroupConfig configuration(std::int64_t retention_ms) {
  GroupConfig config;
  config.group_max_size = 6;
  config.offsets_retention_ms = retention_ms;
  return config;
}

std::string protocol_metadata(int number) {
  auto metadata = subscription_to({"topic"});
  metadata.back() = static_cast<char>(number);
  return metadata;
}

}  // namespace

GroupModel::GroupModel(std::uint64_t seed, PlantedBug bug)
    : bug_(bug), dice_(seed), groups_(configuration(retention_ms), seed ^ 0x5eed), transactions_(group_count) {
  groups_.hold_appends = true;
  groups_.is_deaf = bug == PlantedBug::clock_forgotten;
  for (int number = 0; number < 10; ++number) {
    Client& client = clients_.emplace_back();
    client.group = number % group_count;
    if (number % 2 == 1) client.instance = "instance-" + std::to_string(number);
    client.session_ms = 6'000 + static_cast<std::int32_t>(below(3)) * 7'000;
    client.rebalance_ms = 5'000 + static_cast<std::int32_t>(below(4)) * 8'000;
    client.version = static_cast<protocol::Version>(client.instance ? 5 + below(5) : 1 + below(9));
  }
}

void GroupModel::violate(const std::string& what) {
  if (violation_.empty()) violation_ = "step " + std::to_string(steps_done_) + ": " + what;
}

bool GroupModel::run(int steps) {
  for (; steps_done_ < steps && violation_.empty(); ++steps_done_) step();
  if (violation_.empty()) calm_down();
  return violation_.empty();
}

void GroupModel::step() {
  Client& client = clients_[below(clients_.size())];
  switch (below(40)) {
    case 0:
      if (client.alive) crash(client);
      break;
    case 1:
      if (client.alive && !client.member.empty()) {
        groups_.leave_all({{client.member, client.instance}}, group_name(client.group));
        client.member.clear();
        client.generation = -1;
        client.joining.reset();
        client.syncing.reset();
        ++counts_["leave"];
      }
      break;
    case 2:
      client.metadata = static_cast<int>(below(3));
      if (client.alive && client.generation >= 0) start_join(client);
      break;
    case 3:
      if (chance(4)) move_coordinator();
      break;
    case 4:
      delete_something();
      break;
    case 5:
      expire();
      break;
    case 6:
    case 7:
      commit(nullptr, static_cast<int>(below(group_count)), -1);
      break;
    case 8:
    case 9: {
      const auto producer = static_cast<std::int64_t>(below(group_count));
      commit(nullptr, static_cast<int>(producer), producer);
      break;
    }
    case 10:
      end_transaction(static_cast<std::int64_t>(below(group_count)));
      break;
    case 11:
      groups_.advance(static_cast<std::int64_t>(below(chance(10) ? 200'000 : 15'000)));
      break;
    case 12:
      append_some(true);
      check_offsets();
      break;
    default:
      groups_.advance(static_cast<std::int64_t>(below(700)));
      if (!client.alive && chance(5)) client.alive = true;
      for (auto& each : clients_) act(each);
  }
  append_some(false);
  collect_commits();
  note_members();
  check_waiting();
  check_crashed();
}

void GroupModel::act(Client& client) {
  if (!client.alive) return;
  if (client.joining) {
    if (client.joining->answers > 0) on_joined(client);
  } else if (client.syncing) {
    if (client.syncing->answers > 0) on_synced(client);
  } else if (client.generation < 0) {
    if (chance(3)) start_join(client);
  } else if (groups_.time.now >= client.next_heartbeat) {
    heartbeat(client);
  } else if (chance(4)) {
    commit(&client, client.group, chance(3) ? client.group : -1);
  }
}

void GroupModel::start_join(Client& client) {
  client.generation = -1;
  client.syncing.reset();
  JoinInput input;
  input.group = group_name(client.group);
  input.member = client.member;
  input.instance = client.instance;
  input.protocols = {{"range", protocol_metadata(client.metadata)}};
  input.session_ms = client.session_ms;
  input.rebalance_ms = client.rebalance_ms;
  input.version = client.version;
  client.joining = groups_.join(input);
  waiting_.push_back({client.joining, nullptr, groups_.time.now});
}

void GroupModel::on_joined(Client& client) {
  const Joined joined = *std::exchange(client.joining, nullptr);
  switch (joined.error) {
    case ErrorCode::none:
      client.member = joined.member;
      names_[joined.member] = client.instance.value_or(joined.member);
      start_sync(client, joined);
      ++counts_["joined"];
      break;
    case ErrorCode::member_id_required:
      client.member = joined.member;
      if (!chance(8)) start_join(client);
      break;
    case ErrorCode::unknown_member_id:
    case ErrorCode::fenced_instance_id:
    case ErrorCode::group_max_size_reached:
      client.member.clear();
      break;
    default:
      break;
  }
}

void GroupModel::start_sync(Client& client, const Joined& joined) {
  std::vector<std::pair<std::string, std::string>> assignments;
  if (joined.leader == joined.member && !joined.skip_assignment) {
    for (const auto& member : joined.members) assignments.emplace_back(member.first, "");
    const auto first = below(assignments.size());
    for (std::size_t partition = 0; partition < partition_count; ++partition)
      assignments[(first + partition) % assignments.size()].second += static_cast<char>('0' + partition);
  }
  client.generation = joined.generation;
  client.removals = removals_[client.group];
  client.syncing =
      groups_.sync(client.member, joined.generation, assignments, group_name(client.group), client.instance);
  waiting_.push_back({nullptr, client.syncing, groups_.time.now});
}

void GroupModel::on_synced(Client& client) {
  const Synced synced = *std::exchange(client.syncing, nullptr);
  if (synced.error == ErrorCode::none) {
    own(client, synced.assignment);
    client.owned = {synced.assignment.begin(), synced.assignment.end()};
    client.next_heartbeat = groups_.time.now + std::chrono::seconds(2);
    ++counts_["synced"];
    return;
  }
  client.generation = -1;
  if (synced.error == ErrorCode::unknown_member_id || synced.error == ErrorCode::fenced_instance_id)
    client.member.clear();
}

void GroupModel::own(const Client& client, const std::string& assignment) {
  for (const char partition : assignment) {
    const std::string& name = names_[client.member];
    const auto [owner, is_new] =
        owners_.try_emplace({client.group, client.removals, client.generation, partition - '0'}, name);
    if (!is_new && owner->second != name) {
      violate("partition " + std::string(1, partition) + " of " + group_name(client.group) + " belongs to " +
              owner->second + " and to " + name + " in generation " + std::to_string(client.generation));
    }
  }
}

void GroupModel::heartbeat(Client& client) {
  const auto error = groups_.heartbeat(client.member, client.generation, group_name(client.group), client.instance);
  client.next_heartbeat = groups_.time.now + std::chrono::seconds(2);
  if (error == ErrorCode::none) return;
  client.generation = -1;
  if (error == ErrorCode::unknown_member_id || error == ErrorCode::fenced_instance_id) client.member.clear();
}

void GroupModel::commit(const Client* client, int group, std::int64_t producer) {
  GroupHarness::CommitInput input;
  input.group = group_name(group);
  if (client != nullptr) {
    input.member = client->member;
    input.generation = client->generation;
    input.instance = client->instance;
  }
  const int partition = static_cast<int>(below(partition_count));
  input.topic = topic_of(partition);
  input.partition = partition;
  input.offset = next_value_++;
  input.producer = producer;
  if (producer >= 0) transactions_[static_cast<std::size_t>(producer)].is_open = true;
  commits_.push_back({groups_.commit(input), group, partition, input.offset, producer});
}

void GroupModel::collect_commits() {
  std::erase_if(commits_, [&](const PendingCommit& commit) {
    if (commit.answer->answers == 0) return false;
    if (commit.answer->answers > 1) violate("a commit was answered twice");
    const bool is_well = commit.answer->error() == ErrorCode::none;
    if (commit.producer >= 0) {
      auto& transaction = transactions_[static_cast<std::size_t>(commit.producer)];
      transaction.has_failed |= !is_well;
      if (is_well) transaction.commits.push_back(commit);
    } else if (is_well && commit.offset >= deleted_below_[{commit.group, commit.partition}]) {
      auto& highest = acknowledged_[{commit.group, commit.partition}];
      highest = std::max(highest, commit.offset);
      ++counts_["committed"];
    }
    return true;
  });
}

void GroupModel::end_transaction(std::int64_t producer) {
  Transaction& transaction = transactions_[static_cast<std::size_t>(producer)];
  if (!transaction.is_open) return;
  const bool too_early = bug_ == PlantedBug::marker_before_the_commit && chance(2);
  if (!too_early) append_some(true);
  collect_commits();
  const bool commit = !transaction.has_failed && !chance(3);
  const bool told = commit || bug_ == PlantedBug::abort_taken_for_commit;
  groups_.log.push_back({{}, groups_.next_offset, commit, ProducerId(producer)});
  groups_.next_offset = groups_.next_offset + 1;
  if (bug_ != PlantedBug::marker_forgotten || chance(2))
    groups_.coordinator->complete_transaction(ProducerId(producer), told);
  if (too_early) append_some(true);
  ++counts_[commit ? "transaction" : "abort"];
  for (const auto& each : transaction.commits) {
    const Place place{each.group, each.partition};
    if (!commit || each.offset < deleted_below_[place]) continue;
    auto& highest = acknowledged_[place];
    highest = std::max(highest, each.offset);
  }
  transaction = {};
}

void GroupModel::delete_something() {
  const int group = static_cast<int>(below(group_count));
  auto answer = std::make_shared<ErrorCode>(ErrorCode::none);
  const bool whole = chance(2);
  std::vector<int> partitions;
  if (whole) {
    end_transaction(group);  // which would bring its offsets back
    for (int partition = 0; partition < partition_count; ++partition) partitions.push_back(partition);
    groups_.coordinator->delete_group(group_name(group), [answer](ErrorCode error) { *answer = error; }, groups_.time);
  } else {
    partitions.push_back(static_cast<int>(below(partition_count)));
    const std::string id = group_name(group);
    const std::string topic = topic_of(partitions.front());
    protocol::OffsetDeleteRequest request;
    request.group_id = id;
    request.topics.emplace_back().name = topic;
    request.topics.front().partitions.push_back({PartitionIndex(partitions.front())});
    groups_.coordinator->delete_offsets(
        request,
        [answer](const protocol::OffsetDeleteResponse& response) {
          *answer = response.error_code;
          if (*answer == ErrorCode::none) *answer = response.topics.front().partitions.front().error_code;
        },
        groups_.time);
  }
  groups_.settle();
  forget_removed_groups();
  if (*answer != ErrorCode::none) return;  // what is not answered yet is on its way
  for (const int partition : partitions) {
    acknowledged_.erase({group, partition});
    deleted_below_[{group, partition}] = next_value_;
  }
  ++counts_["deletion"];
}

void GroupModel::crash(Client& client) {
  client.alive = false;
  // A static member's session starts anew with each generation, so that it has no bound.
  if (!client.member.empty() && !client.instance) crashed_[client.member] = {client.group, groups_.time.now};
  client.member.clear();
  client.generation = -1;
  client.joining.reset();
  client.syncing.reset();
  ++counts_["crash"];
}

void GroupModel::calm_down() {
  is_calm_ = true;
  for (auto& client : clients_) client.alive = true;
  for (int seconds = 0; seconds < 900 && violation_.empty(); ++seconds) {
    groups_.advance(1'000);
    for (auto& client : clients_) {
      // What a client does, without commits.
      if (client.joining || client.syncing || client.generation < 0 || groups_.time.now >= client.next_heartbeat)
        act(client);
    }
    append_some(true);
    collect_commits();
    check_waiting();
  }
  for (int number = 0; number < group_count && violation_.empty(); ++number) {
    const Group* const group = groups_.coordinator->find(group_name(number));
    if (group == nullptr || !group->is(GroupState::stable))
      return violate(group_name(number) + " does not come to rest");
    std::multiset<int> owned;
    for (const auto& client : clients_) {
      if (client.group != number) continue;
      if (client.generation != group->generation()) return violate("a member does not come to rest");
      owned.insert(client.owned.begin(), client.owned.end());
    }
    if (owned.size() != partition_count || std::set<int>(owned.begin(), owned.end()).size() != partition_count)
      violate(group_name(number) + " does not own every partition once");
  }
  check_offsets();
}

}  // namespace millrace::coordinator::test
