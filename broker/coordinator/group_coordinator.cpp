#include "broker/coordinator/group_coordinator.h"

#include <utility>

#include "broker/base/check.h"
#include "broker/coordinator/append_error.h"
#include "broker/coordinator/consumer_groups.h"
#include "broker/coordinator/group_load.h"

namespace millrace::coordinator {

using protocol::ErrorCode;

void GroupCoordinator::load(LoadedGroups loaded, GroupTime time) {
  MILLRACE_INVARIANT(phase_ == Phase::loading, "a partition's groups are loaded once");
  time_ = time;
  phase_ = Phase::serving;
  if (consumer_groups_) consumer_groups_->load(std::move(loaded.consumer_groups), time);
  for (auto& [id, read] : loaded.groups) {
    const GroupPointer group = get_or_create(id);
    if (!read.value.empty()) {
      const auto value = decode_group_value(read.value);
      MILLRACE_INVARIANT(value.has_value(), "a load keeps only values that can be read");
      group->restore(*value);
    }
    group->offsets() = std::move(read.offsets);
    for (const ProducerId producer : group->offsets().open_producers()) open_transactions_[producer].insert(id);
    for (auto& member : group->members()) restart_session(member);
    // Gives everyone the chance to commit before the group shrinks.
    if (group->size() > static_cast<std::size_t>(config_.group_max_size)) prepare_rebalance(*group);
  }
}

void GroupCoordinator::unload(GroupTime time) {
  time_ = time;
  phase_ = Phase::unloaded;
  if (consumer_groups_) consumer_groups_->unload();
  for (auto& [id, group] : groups_) {
    group->transition_to(GroupState::dead, time_.wall);
    for (auto& member : group->members()) {
      group->answer_join(member, member.id, ErrorCode::not_coordinator);
      group->answer_sync(member, ErrorCode::not_coordinator);
    }
  }
  appends_.clear();
  open_transactions_.clear();
  auto pending = std::exchange(pending_appends_, {});
  for (auto& [id, done] : pending) done({ErrorCode::not_leader_or_follower, Offset::none()});
  pending.clear();
  groups_.clear();
}

void GroupCoordinator::on_time(GroupTime time) {
  time_ = time;
  if (consumer_groups_) consumer_groups_->on_time(time);
  while (GroupTimer* const timer = timers_.take_expired(time_.now)) {
    Group& group = timer->group();
    switch (timer->kind()) {
      case GroupTimerKind::session:
        on_session_timer(group, timer->member());
        break;
      case GroupTimerKind::pending:
        remove_pending(group, std::string(timer->pending().id));
        break;
      case GroupTimerKind::join:
        on_join_timer(group);
        break;
      case GroupTimerKind::sync:
        on_sync_timer(group);
        break;
    }
  }
}

void GroupCoordinator::on_appended(GroupAppendId append, const GroupAppendOutcome& outcome, GroupTime time) {
  time_ = time;
  if (consumer_groups_) consumer_groups_->set_time(time);
  auto pending = pending_appends_.extract(append);
  if (pending) pending.mapped()(outcome);
}

std::size_t GroupCoordinator::group_count() const {
  std::size_t count = groups_.size();
  if (!consumer_groups_) return count;
  consumer_groups_->each([&](const ConsumerGroup& group) { count += groups_.contains(group.id()) ? 0 : 1; });
  return count;
}

const Group* GroupCoordinator::find(std::string_view group_id) const { return pointer(group_id).get(); }

ErrorCode GroupCoordinator::refusal(std::string_view group_id, bool may_be_empty) const {
  if (group_id.empty() && !may_be_empty) return ErrorCode::invalid_group_id;
  if (phase_ == Phase::loading) return ErrorCode::coordinator_load_in_progress;
  if (phase_ == Phase::unloaded) return ErrorCode::not_coordinator;
  return ErrorCode::none;
}

GroupCoordinator::GroupPointer GroupCoordinator::pointer(std::string_view group_id) const {
  const auto found = groups_.find(group_id);
  return found == groups_.end() ? nullptr : found->second;
}

GroupCoordinator::GroupPointer GroupCoordinator::get_or_create(std::string_view group_id) {
  if (auto known = pointer(group_id)) return known;
  auto made = std::make_shared<Group>(std::string(group_id), timers_, time_.wall);
  groups_.emplace(made->id(), made);
  return made;
}

void GroupCoordinator::forget(Group& group) {
  const auto found = groups_.find(group.id());
  if (found != groups_.end() && found->second.get() == &group) groups_.erase(found);
}

GroupAppendId GroupCoordinator::append(std::vector<GroupRecord> records, AppendDone done, Sequence base_sequence,
                                       ProducerId producer, ProducerEpoch epoch) {
  const GroupAppendId id = ++appends_made_;
  appends_.push_back({id, time_.wall, producer, epoch, base_sequence, std::move(records)});
  pending_appends_.emplace(id, std::move(done));
  return id;
}

namespace {

// What is told of several appends when the last of them has ended.
struct AppendsInWork {
  void end_one(const GroupAppendOutcome& ended) {
    if (outcome.error == ErrorCode::none) outcome = ended;
    if (--remaining == 0) done(outcome);
  }

  UniqueFunction<void(const GroupAppendOutcome&)> done;
  std::size_t remaining;
  GroupAppendOutcome outcome{};
};

// Those that fit together, at least one, from `first` on.
std::size_t count_in_batch(const std::vector<GroupRecord>& records, std::size_t first, std::size_t batch_bytes_max) {
  std::size_t size_bytes = batch_overhead_bytes;
  std::size_t last = first;
  for (; last < records.size(); ++last) {
    size_bytes += batched_bytes(records[last]);
    if (last > first && size_bytes > batch_bytes_max) break;
  }
  return last - first;
}

}  // namespace

void GroupCoordinator::append_all(std::vector<GroupRecord> records, AppendDone done) {
  std::vector<std::vector<GroupRecord>> batches;
  for (std::size_t first = 0; first < records.size();) {
    const auto count = count_in_batch(records, first, config_.batch_bytes_max);
    if (count == records.size()) {
      append(std::move(records), std::move(done));
      return;
    }
    const auto begin = records.begin() + static_cast<std::ptrdiff_t>(first);
    batches.emplace_back(std::make_move_iterator(begin),
                         std::make_move_iterator(begin + static_cast<std::ptrdiff_t>(count)));
    first += count;
  }
  const auto work = std::make_shared<AppendsInWork>(AppendsInWork{std::move(done), batches.size()});
  for (auto& batch : batches)
    append(std::move(batch), [work](const GroupAppendOutcome& outcome) { work->end_one(outcome); });
}

void GroupCoordinator::store(const Group& group, Result<GroupRecord> record, UniqueFunction<void(ErrorCode)> done) {
  if (!record) return done(ErrorCode::unknown_server_error);
  if (consumer_groups_ && consumer_groups_->claims(group.id()))
    return store_claimed(group, std::move(*record), std::move(done));
  std::vector<GroupRecord> records;
  records.push_back(std::move(*record));
  append(std::move(records), [done = std::move(done)](const GroupAppendOutcome& outcome) mutable {
    done(group_store_error(outcome.error));
  });
}

}  // namespace millrace::coordinator
