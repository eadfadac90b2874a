// The deadlines of all groups of one coordinator. A deadline that moves on, as each heartbeat moves one, costs no reordering: the timer
// stays queued at its old time and is queued anew when that has come. So next_deadline may name a time at which nothing expires.
// No clock: times are given. Owned by the coordinator's shard; a timer must not outlive its GroupTimers.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <tuple>

#include "broker/base/clock.h"

namespace millrace::coordinator {

class Group;
struct GroupMember;
struct PendingMember;
class GroupTimers;

enum class GroupTimerKind : std::uint8_t {
  session,  // a member has not been heard of
  pending,  // a member that was told its id has not come back with it
  join,     // the group waits for members to join
  sync,     // the group waits for members to ask for their assignment
};

class GroupTimer {
 public:
  GroupTimer(GroupTimers& timers, GroupTimerKind kind, Group& group, GroupMember* member = nullptr,
             PendingMember* pending = nullptr);
  GroupTimer(const GroupTimer&) = delete;
  GroupTimer& operator=(const GroupTimer&) = delete;
  ~GroupTimer() { cancel(); }

  void arm(MonotonicTime deadline);
  void cancel();

  [[nodiscard]] GroupTimerKind kind() const { return kind_; }
  [[nodiscard]] Group& group() const { return group_; }
  [[nodiscard]] GroupMember& member() const { return *member_; }      // of a session
  [[nodiscard]] PendingMember& pending() const { return *pending_; }  // of a pending member

 private:
  friend class GroupTimers;

  GroupTimers& timers_;
  Group& group_;
  GroupMember* member_;
  PendingMember* pending_;
  std::uint64_t number_;
  GroupTimerKind kind_;
  MonotonicTime deadline_{};
  std::optional<MonotonicTime> queued_at_;
};

class GroupTimers {
 public:
  [[nodiscard]] std::optional<MonotonicTime> next_deadline() const;
  // A timer whose deadline has come, which is no longer armed; null when there is none. Of equal deadlines the older timer's first.
  GroupTimer* take_expired(MonotonicTime now);

 private:
  friend class GroupTimer;
  using Entry = std::tuple<MonotonicTime, std::uint64_t, GroupTimer*>;

  void enqueue(GroupTimer& timer);
  void dequeue(GroupTimer& timer);

  std::set<Entry> queue_;
  std::uint64_t timers_made_ = 0;
};

}  // namespace millrace::coordinator
