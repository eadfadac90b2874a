// One group of the new protocol in its coordinator: what waits for its turn, what is on its way into the log, and when its members' time is
// over.
//
// Changes of a group follow each other: while one is on its way into the log, whatever else concerns the group waits, and then takes place
// as one more append. So whoever is told something is told what is in the log, and an append that fails has nothing behind it that rests on
// it. After a failure the log may have the change or not: the next append says all of the group anew.
// Owned by its coordinator.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/unique_function.h"
#include "broker/coordinator/consumer_group.h"
#include "broker/protocol/error_code.h"

namespace millrace::coordinator {

struct ConsumerGroupHost;

// When members are silent for too long, or do not give up what they have to: the group and the member.
using MemberDeadlines = std::multimap<MonotonicTime, std::pair<std::shared_ptr<ConsumerGroupHost>, std::string>>;

struct ConsumerGroupHost {
  // What an operation hears when the records that it left are in the log, or are not.
  using Done = UniqueFunction<void(protocol::ErrorCode)>;
  // Changes the group; null when the partition has gone away before its turn came. Nothing to tell when it returns nothing.
  using Operation = UniqueFunction<Done(ConsumerGroupHost*)>;

  struct MemberClock {
    MonotonicTime session_deadline{};
    std::optional<std::pair<MonotonicTime, std::int32_t>> rebalance_deadline;  // with the epoch that it has to leave
    std::optional<MonotonicTime> join_deadline;  // a classic member has been told to join again
    std::optional<MonotonicTime> sync_deadline;  // it has, and is to ask for what it has
    std::optional<MemberDeadlines::iterator> queued;

    [[nodiscard]] MonotonicTime due() const {
      MonotonicTime due = session_deadline;
      if (rebalance_deadline) due = std::min(due, rebalance_deadline->first);
      if (join_deadline) due = std::min(due, *join_deadline);
      if (sync_deadline) due = std::min(due, *sync_deadline);
      return due;
    }
  };

  explicit ConsumerGroupHost(std::string group_id) : group(std::move(group_id)) {}

  [[nodiscard]] bool is_void() const { return !group.exists() && !must_rewrite; }

  ConsumerGroup group;
  std::map<std::string, MemberClock, std::less<>> clocks;  // by member
  std::deque<Operation> waiting;
  bool is_in_turn = false;  // operations take place, which may make others wait
  bool is_appending = false;
  bool must_rewrite = false;                          // the log may not say what the group is
  std::set<std::vector<std::uint8_t>> doubtful_keys;  // of the records that it may have or not
  std::int64_t topics_version = -1;  // of the directory, when the subscribed topics were last looked up
  std::int64_t patterns_version = -1;
  MonotonicTime patterns_resolved_at{};
};

}  // namespace millrace::coordinator
