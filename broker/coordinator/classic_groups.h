// The classic groups of a partition of `__consumer_offsets`, as those of the new protocol see them: an id is one of the two kinds at a time, and
// becomes the other kind when a member comes that speaks the other protocol (GroupMetadataManager.convertToConsumerGroup of Kafka 4).
// GroupCoordinator implements it; called within calls to it.
#pragma once

#include <string_view>

#include <tl/expected.hpp>

#include "broker/coordinator/consumer_group.h"
#include "broker/coordinator/consumer_group_request.h"
#include "broker/coordinator/group_member.h"

namespace millrace::coordinator {

class ClassicGroups {
 public:
  ClassicGroups() = default;
  ClassicGroups(const ClassicGroups&) = delete;
  ClassicGroups& operator=(const ClassicGroups&) = delete;
  virtual ~ClassicGroups() = default;

  // The group of the new protocol that a classic one of that id would become, with its members in their generation; one without members
  // where there is none, or nobody in it. Errors: GROUP_ID_NOT_FOUND for one that stays as it is.
  [[nodiscard]] virtual tl::expected<ConsumerGroup, GroupRefusal> upgraded(std::string_view group_id) const = 0;
  // It has: nothing is left of the classic one but its offsets, and `successor` stores that. Whoever waits in it is told to join again.
  virtual void retire(ConsumerGroup& successor) = 0;

  // Whether the log has, or is to have, a record of a classic group of that id.
  [[nodiscard]] virtual bool is_stored(std::string_view group_id) const = 0;
  // Whether a group all of whose members are classic ones may be a classic one.
  [[nodiscard]] virtual bool has_room_for(std::size_t members) const = 0;
  // It becomes one, which rebalances; the record that says so.
  virtual Result<GroupRecord> adopt(const ConsumerGroup& predecessor) = 0;
  // A member of such a group joins again.
  virtual void join(const protocol::JoinGroupRequest& request, const GroupClient& client, JoinAnswer answer) = 0;
};

}  // namespace millrace::coordinator
