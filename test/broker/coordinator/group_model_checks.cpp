// What the model checks, and what it reads from the log for it.
#include <algorithm>

#include "test/broker/coordinator/group_model.h"

namespace millrace::coordinator::test {
namespace {

constexpr auto join_bound = std::chrono::seconds(400);  // a new member may wait five minutes
constexpr auto sync_bound = std::chrono::seconds(320);  // rebalance timeouts, leaps of the clock, and what appends take
constexpr auto crash_bound = std::chrono::seconds(400);  // as a new member, in a rebalance

}  // namespace

std::int64_t GroupModel::fetched(const Place& place) {
  return groups_.fetch(topic_of(place.second), place.second, group_name(place.first)).offset;
}

std::map<GroupModel::Place, GroupModel::Expected> GroupModel::read_log() const {
  std::map<Place, Expected> counting;
  std::map<ProducerId, std::map<Place, Expected>> open;
  const auto keep_newer = [&](const Place& place, const Expected& expected) {
    auto& known = counting[place];
    if (expected.log_position > known.log_position) known = expected;
  };
  for (const auto& logged : groups_.log) {
    if (logged.marker) {
      if (*logged.marker) {
        for (const auto& [place, expected] : open[logged.producer]) keep_newer(place, expected);
      }
      open.erase(logged.producer);
      continue;
    }
    for (const auto& record : logged.append.records) {
      const auto key = decode_consumer_offsets_key(record.key);
      const auto* offset = std::get_if<OffsetCommitKey>(&*key);
      if (offset == nullptr) continue;
      const Place place{offset->group.back() - '0', offset->partition.value()};
      if (!record.value) {
        counting.erase(place);
        continue;
      }
      const auto value = *decode_offset_value(*record.value);
      const Expected expected{logged.base.value(), value.offset.value(), value.commit_timestamp};
      if (logged.append.is_transactional()) {
        open[logged.append.producer_id][place] = expected;
      } else {
        keep_newer(place, expected);
      }
    }
  }
  return counting;
}

void GroupModel::check_offsets() {
  if (!groups_.wanted.empty()) return;
  collect_commits();
  const auto log = read_log();
  for (int group = 0; group < group_count; ++group) {
    for (int partition = 0; partition < partition_count; ++partition) {
      const Place place{group, partition};
      if (uncertain_.contains(place)) continue;
      const auto expected = log.find(place);
      const std::int64_t wanted = expected == log.end() ? -1 : expected->second.offset;
      const std::int64_t answered = fetched(place);
      const std::string name = group_name(group) + " " + std::to_string(partition);
      if (answered != wanted)
        violate(name + " is at " + std::to_string(answered) + ", in the log at " + std::to_string(wanted));
      const auto acknowledged = acknowledged_.find(place);
      if (acknowledged != acknowledged_.end() && answered < acknowledged->second)
        violate(name + " was acknowledged at " + std::to_string(acknowledged->second) + " and is at " +
                std::to_string(answered));
    }
  }
  ++counts_["offsets checked"];
}

bool GroupModel::may_expire(const Place& place, const Expected& expected) const {
  const Group* const group = groups_.coordinator->find(group_name(place.first));
  const bool is_old = groups_.time.wall - expected.committed_at >= retention_ms;
  const auto until = members_until_.find(place.first);
  if (group != nullptr && group->size() > 0) return is_old && topic_of(place.second) == "other";
  return until == members_until_.end() ? is_old : groups_.time.wall - until->second >= retention_ms;
}

void GroupModel::expire() {
  append_some(true);
  note_members();
  check_offsets();
  const auto before = read_log();
  GroupTime time = groups_.time;
  if (bug_ == PlantedBug::tombstone_too_early) time.wall = time.wall + retention_ms;
  groups_.coordinator->remove_expired(time);
  groups_.settle();
  for (const auto& [place, expected] : before) {
    if (fetched(place) == expected.offset) continue;
    if (uncertain_.contains(place)) {  // what memory knew of it may have expired, or is older than the log's
      acknowledged_.erase(place);
      continue;
    }
    if (!may_expire(place, expected))
      violate(group_name(place.first) + " " + std::to_string(place.second) + " expired before its time");
    acknowledged_.erase(place);
    ++counts_["expiry"];
  }
  append_some(true);
  forget_removed_groups();
}

void GroupModel::check_waiting() {
  const auto now = groups_.time.now;
  std::erase_if(waiting_, [&](const Waiting& each) {
    const int answers = each.join ? each.join->answers : each.sync->answers;
    if (answers > 1) violate("a request was answered twice");
    if (answers > 0) return now - each.since > join_bound;  // a second answer might still come
    if (now - each.since > (each.join ? join_bound : sync_bound))
      violate(each.join ? "a JoinGroup is stuck" : "a SyncGroup is stuck");
    return false;
  });
}

void GroupModel::check_crashed() {
  std::erase_if(crashed_, [&](const auto& each) {
    const auto& [member, crash] = each;
    const Group* const group = groups_.coordinator->find(group_name(crash.first));
    if (group == nullptr) return true;
    const bool is_there =
        std::ranges::any_of(group->members(), [&](const GroupMember& known) { return known.id == member; });
    if (is_there && groups_.time.now - crash.second > crash_bound) violate(member + " crashed and is still a member");
    return !is_there;
  });
}

void GroupModel::note_members() {
  for (int number = 0; number < group_count; ++number) {
    const Group* const group = groups_.coordinator->find(group_name(number));
    if (group != nullptr && group->size() > 0) members_until_[number] = groups_.time.wall;
  }
}

void GroupModel::forget_removed_groups() {
  for (int number = 0; number < group_count; ++number) {
    const Group* const group = groups_.coordinator->find(group_name(number));
    if (group != nullptr && group->generation() > 0) continue;
    if (group == nullptr || !group->protocol_type()) members_until_.erase(number);
    if (group == nullptr) ++removals_[number];
  }
}

}  // namespace millrace::coordinator::test
