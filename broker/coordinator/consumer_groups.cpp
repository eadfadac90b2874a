#include "broker/coordinator/consumer_groups.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "broker/coordinator/append_error.h"

namespace millrace::coordinator {

using protocol::ErrorCode;

namespace {

// What waits takes place together up to this size: an append is one batch, which message.max.bytes bounds.
constexpr std::size_t merged_records_bytes = 256 * 1024;

// What a record is about, by its key's type: an offset, the group as a classic one, or one of the new protocol.
constexpr std::int16_t classic_type = 2;

std::int16_t type_of(const std::vector<std::uint8_t>& key) {
  return key.size() < sizeof(std::int16_t) ? std::int16_t{-1} : load_big_endian<std::int16_t>(key.data());
}

}  // namespace

ConsumerGroups::ConsumerGroups(ConsumerGroupConfig config, Parts parts)
    : config_(std::move(config)),
      directory_(parts.directory),
      random_(parts.random),
      classic_groups_(parts.classic_groups),
      append_(std::move(parts.append)),
      batch_bytes_max_(parts.batch_bytes_max) {}

// What waits holds its group, which has it: nobody else would part them.
ConsumerGroups::~ConsumerGroups() { unload(); }

void ConsumerGroups::load(std::vector<ConsumerGroup> groups, GroupTime time) {
  time_ = time;
  is_serving_ = true;
  for (auto& group : groups) {
    const auto host = get_or_create(group.id());
    host->group = std::move(group);
    for (const auto& [id, member] : host->group.members()) {
      restart_session(host, id);
      watch_rebalance(host, member);
    }
  }
}

void ConsumerGroups::unload() {
  is_serving_ = false;
  deadlines_.clear();
  for (const auto& [id, host] : std::exchange(hosts_, {})) {
    host->clocks.clear();
    for (auto& operation : std::exchange(host->waiting, {})) operation(nullptr);
  }
}

void ConsumerGroups::heartbeat(const protocol::ConsumerGroupHeartbeatRequest& request, const GroupClient& client,
                               MayDescribeTopic may_describe, ConsumerGroupHeartbeatAnswer answer, GroupTime time) {
  time_ = time;
  const auto refuse = [&](GroupRefusal refusal) { answer_heartbeat(answer, {.refusal = std::move(refusal)}); };
  if (auto refusal = check_heartbeat(request, client.version, config_.group_consumer_assignors))
    return refuse(std::move(*refusal));
  const bool is_joining = request.member_epoch == joining_member_epoch;
  const auto group = is_joining ? get_or_create(request.group_id) : host(request.group_id);
  if (!group)
    return refuse({ErrorCode::group_id_not_found, "Consumer group " + std::string(request.group_id) + " not found."});
  Heartbeat heartbeat(request, client, std::move(may_describe));
  if (is_joining && heartbeat.member_id.empty()) heartbeat.member_id = to_string(Uuid::random(random_));
  run(group, [this, group, heartbeat = std::move(heartbeat), answer = std::move(answer)](Host* host) mutable {
    if (host == nullptr) {
      answer_heartbeat(answer, {.refusal = {ErrorCode::not_coordinator, {}}});
      return Host::Done();
    }
    Outcome outcome = heartbeat.member_epoch < joining_member_epoch ? leave(*host, heartbeat) : beat(group, heartbeat);
    return Host::Done([outcome = std::move(outcome), answer = std::move(answer)](ErrorCode error) mutable {
      if (error != ErrorCode::none) outcome.refusal = {consumer_group_store_error(error), {}};
      answer_heartbeat(answer, outcome);
    });
  });
}

const ConsumerGroup* ConsumerGroups::find(std::string_view group_id) const {
  const auto found = hosts_.find(group_id);
  return found == hosts_.end() || !found->second->group.exists() ? nullptr : &found->second->group;
}

void ConsumerGroups::each(const std::function<void(const ConsumerGroup&)>& use) const {
  for (const auto& [id, host] : hosts_) {
    if (host->group.exists()) use(host->group);
  }
}

void ConsumerGroups::each_known(const std::function<void(const std::string&)>& use) const {
  for (const auto& [id, host] : hosts_) use(id);
}

bool ConsumerGroups::claims(std::string_view group_id) const { return hosts_.contains(group_id); }

void ConsumerGroups::take_turn(std::string_view group_id, Host::Operation operation, GroupTime time) {
  time_ = time;
  run(get_or_create(group_id), std::move(operation));
}

void ConsumerGroups::dissolve(Host& host) {
  for (const auto& [id, member] : host.group.members()) disarm(host, id);
  if (host.group.exists()) host.group.erase_everything();
}

void ConsumerGroups::store_again(GroupTime time) {
  time_ = time;
  std::vector<std::shared_ptr<Host>> doubtful;
  for (const auto& [id, host] : hosts_) {
    if (host->must_rewrite) doubtful.push_back(host);
  }
  for (const auto& host : doubtful) run(host, [](Host*) { return Host::Done(); });
}

void ConsumerGroups::on_time(GroupTime time) {
  time_ = time;
  while (!deadlines_.empty() && deadlines_.begin()->first <= time_.now) {
    const auto [host, member_id] = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    const auto clock = host->clocks.find(member_id);
    clock->second.queued.reset();
    if (clock->second.due() > time_.now) {
      arm(host, member_id);
    } else {
      expire(host, member_id);
    }
  }
}

std::shared_ptr<ConsumerGroupHost> ConsumerGroups::host(std::string_view group_id) const {
  const auto found = hosts_.find(group_id);
  return found == hosts_.end() ? nullptr : found->second;
}

std::shared_ptr<ConsumerGroupHost> ConsumerGroups::get_or_create(std::string_view group_id) {
  if (auto known = host(group_id)) return known;
  auto made = std::make_shared<Host>(std::string(group_id));
  hosts_.emplace(made->group.id(), made);
  return made;
}

void ConsumerGroups::run(const std::shared_ptr<Host>& host, Host::Operation operation) {
  host->waiting.push_back(std::move(operation));
  pump(host);
}

void ConsumerGroups::pump(const std::shared_ptr<Host>& host) {
  if (host->is_in_turn) return;
  while (is_serving_ && !host->is_appending && !host->waiting.empty()) {
    std::vector<Host::Done> dones;
    host->is_in_turn = true;
    while (!host->waiting.empty() && host->group.record_bytes() < merged_records_bytes) {
      Host::Operation operation = std::move(host->waiting.front());
      host->waiting.pop_front();
      if (auto done = operation(host.get())) dones.push_back(std::move(done));
    }
    host->is_in_turn = false;
    auto records = records_to_append(*host);
    if (!records.empty()) {
      append(host, std::move(records), std::move(dones));
    } else {
      for (auto& done : dones) done(ErrorCode::none);
    }
  }
  if (!host->is_appending && host->waiting.empty() && host->is_void()) hosts_.erase(host->group.id());
}

std::vector<GroupRecord> ConsumerGroups::records_to_append(Host& host) const {
  auto changes = host.group.take_records();
  if (!host.must_rewrite) return changes;
  std::vector<GroupRecord> records;
  std::vector<GroupRecord> others;
  for (auto& change : changes) {
    if (type_of(change.key) > classic_type) {
      host.doubtful_keys.insert(std::move(change.key));
    } else {
      others.push_back(std::move(change));
    }
  }
  if (host.group.epoch() != 0) records = host.group.snapshot();
  auto gone = host.doubtful_keys;
  for (const auto& record : records) gone.erase(record.key);
  for (const auto& record : others) gone.erase(record.key);
  // It has become a classic one since, which has its record there.
  if (classic_groups_.is_stored(host.group.id()))
    std::erase_if(gone, [](const auto& key) { return type_of(key) == classic_type; });
  for (const auto& key : gone) records.push_back({key, std::nullopt});
  std::ranges::move(others, std::back_inserter(records));
  return records;
}

void ConsumerGroups::append(const std::shared_ptr<Host>& host, std::vector<GroupRecord> records,
                            std::vector<Host::Done> dones) {
  std::vector<std::vector<std::uint8_t>> keys;
  keys.reserve(records.size());
  for (const auto& record : records) {
    if (type_of(record.key) >= classic_type) keys.push_back(record.key);
  }
  host->is_appending = true;
  append_(std::move(records), [this, host, keys = std::move(keys), dones = std::move(dones)](ErrorCode error) mutable {
    host->is_appending = false;
    host->must_rewrite = error != ErrorCode::none;
    if (host->must_rewrite) {
      host->doubtful_keys.insert(keys.begin(), keys.end());
    } else {
      host->doubtful_keys.clear();
    }
    for (auto& done : dones) done(error);
    pump(host);
  });
}

void ConsumerGroups::arm(const std::shared_ptr<Host>& host, std::string_view member_id) {
  const auto clock = host->clocks.find(member_id);
  auto& queued = clock->second.queued;
  const MonotonicTime due = clock->second.due();
  // One that is queued for earlier is put off when its time comes.
  if (queued && (*queued)->first <= due) return;
  if (queued) deadlines_.erase(*queued);
  queued = deadlines_.emplace(due, std::make_pair(host, clock->first));
}

void ConsumerGroups::disarm(Host& host, std::string_view member_id) {
  const auto clock = host.clocks.find(member_id);
  if (clock == host.clocks.end()) return;
  if (clock->second.queued) deadlines_.erase(*clock->second.queued);
  host.clocks.erase(clock);
}

void ConsumerGroups::expire(const std::shared_ptr<Host>& host, std::string_view member_id) {
  run(host, [this, host, id = std::string(member_id)](Host* here) {
    const auto clock = host->clocks.find(id);
    if (here == nullptr || clock == host->clocks.end()) return Host::Done();
    const ConsumerGroupMember* const member = here->group.find(id);
    auto& rebalance = clock->second.rebalance_deadline;
    if (rebalance && rebalance->second != member->epoch) rebalance.reset();
    if (clock->second.due() > time_.now) {
      arm(host, id);  // it has been heard of before its turn came
    } else {
      fence(*here, ConsumerGroupMember(*member));
    }
    return Host::Done();
  });
}

void ConsumerGroups::restart_session(const std::shared_ptr<Host>& host, std::string_view member_id) {
  const auto& classic = host->group.find(member_id)->classic;
  host->clocks[std::string(member_id)].session_deadline =
      time_.now +
      std::chrono::milliseconds(classic ? classic->session_timeout_ms : config_.group_consumer_session_timeout_ms);
  arm(host, member_id);
}

void ConsumerGroups::watch_rebalance(const std::shared_ptr<Host>& host, const ConsumerGroupMember& member) {
  auto& rebalance = host->clocks[member.id].rebalance_deadline;
  // A classic one has the time that it is given to join.
  if (member.classic || member.state != MemberState::unrevoked_partitions) {
    rebalance.reset();
  } else {
    rebalance.emplace(time_.now + std::chrono::milliseconds(member.rebalance_timeout_ms), member.epoch);
    arm(host, member.id);
  }
}

}  // namespace millrace::coordinator
