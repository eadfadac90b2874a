#include "broker/coordinator/group_timers.h"

namespace millrace::coordinator {

GroupTimer::GroupTimer(GroupTimers& timers, GroupTimerKind kind, Group& group, GroupMember* member,
                       PendingMember* pending)
    : timers_(timers), group_(group), member_(member), pending_(pending), number_(timers.timers_made_++), kind_(kind) {}

void GroupTimer::arm(MonotonicTime deadline) {
  deadline_ = deadline;
  if (queued_at_ && *queued_at_ <= deadline) return;
  timers_.dequeue(*this);
  timers_.enqueue(*this);
}

void GroupTimer::cancel() { timers_.dequeue(*this); }

std::optional<MonotonicTime> GroupTimers::next_deadline() const {
  if (queue_.empty()) return std::nullopt;
  return std::get<MonotonicTime>(*queue_.begin());
}

GroupTimer* GroupTimers::take_expired(MonotonicTime now) {
  while (!queue_.empty() && std::get<MonotonicTime>(*queue_.begin()) <= now) {
    GroupTimer& timer = *std::get<GroupTimer*>(*queue_.begin());
    dequeue(timer);
    if (timer.deadline_ <= now) return &timer;
    enqueue(timer);
  }
  return nullptr;
}

void GroupTimers::enqueue(GroupTimer& timer) {
  timer.queued_at_ = timer.deadline_;
  queue_.emplace(timer.deadline_, timer.number_, &timer);
}

void GroupTimers::dequeue(GroupTimer& timer) {
  if (!timer.queued_at_) return;
  queue_.erase({*timer.queued_at_, timer.number_, &timer});
  timer.queued_at_.reset();
}

}  // namespace millrace::coordinator
