// What becomes of what the coordinator wants appended, and the coordinator that starts anew from the log.
#include "test/broker/coordinator/group_model.h"

namespace millrace::coordinator::test {

void GroupModel::move_coordinator() {
  // Some of what was on its way gets into the log, and nobody hears of it.
  for (auto count = below(groups_.wanted.size() + 1); count > 0; --count) {
    GroupAppend append = std::move(groups_.wanted.front());
    groups_.wanted.pop_front();
    const Offset base = groups_.next_offset;
    groups_.next_offset = base + static_cast<std::int64_t>(append.records.size());
    groups_.log.push_back({std::move(append), base, std::nullopt, ProducerId::none()});
  }
  // What was acknowledged is; what was not may be there or not, also deletions.
  collect_commits();
  groups_.reload();
  groups_.hold_appends = true;
  uncertain_.clear();
  for (auto& [member, crash] : crashed_) crash.second = groups_.time.now;
  collect_commits();
  // What was not stored never was: a group is left since when the log says so.
  for (int number = 0; number < group_count; ++number) {
    const Group* const group = groups_.coordinator->find(group_name(number));
    if (group == nullptr || !group->protocol_type()) {
      members_until_.erase(number);
    } else if (group->size() == 0) {
      members_until_[number] = *group->state_timestamp();
    }
  }
  check_offsets();
  ++counts_["move"];
}

void GroupModel::append_some(bool all) {
  while (!groups_.wanted.empty() && violation_.empty() && (all || !chance(3))) append_one();
}

void GroupModel::append_one() {
  GroupAppend& append = groups_.wanted.front();
  const auto& record = append.records.front();
  const auto key = decode_consumer_offsets_key(record.key);
  const bool is_group = std::holds_alternative<GroupMetadataKey>(*key);
  const auto lose = [&] {
    const auto id = append.id;
    const Offset base = groups_.next_offset;
    groups_.next_offset = base + 1;
    groups_.wanted.pop_front();
    groups_.coordinator->on_appended(id, {ErrorCode::none, base}, groups_.time);
    groups_.settle();
  };
  if (!record.value) {
    if (bug_ == PlantedBug::tombstone_lost) return lose();
    return groups_.append_next();
  }
  if (is_group) {
    const auto value = *decode_group_value(*record.value);
    if (bug_ == PlantedBug::assignment_not_stored && !value.members.empty() && chance(2)) return lose();
    if (bug_ == PlantedBug::generation_not_bumped && !value.members.empty()) {
      auto stale = value;
      --stale.generation;
      append.records.front().value = *encode_value(stale);
      return groups_.append_next();
    }
  } else if (bug_ == PlantedBug::commit_acknowledged_too_early && chance(8)) {
    return lose();
  }
  if (is_calm_ || !chance(25)) return groups_.append_next();
  ++counts_["failed append"];
  if (chance(2)) return groups_.append_next(ErrorCode::not_enough_replicas);
  // It took too long, that is all.
  for (const auto& each : append.records) {
    const auto offset_key = decode_consumer_offsets_key(each.key);
    if (const auto* offset = std::get_if<OffsetCommitKey>(&*offset_key))
      uncertain_.insert({offset->group.back() - '0', offset->partition.value()});
  }
  const Offset base = groups_.next_offset;
  groups_.next_offset = base + static_cast<std::int64_t>(append.records.size());
  groups_.log.push_back({append, base, std::nullopt, ProducerId::none()});
  groups_.append_next(ErrorCode::request_timed_out);
}

}  // namespace millrace::coordinator::test
