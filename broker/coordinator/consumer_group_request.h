// A ConsumerGroupHeartbeat that waits for its turn, and how it ends. Owned by the coordinator.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/coordinator/consumer_group_call.h"
#include "broker/coordinator/consumer_group_member.h"
#include "broker/coordinator/group_call.h"
#include "broker/protocol/error_code.h"

namespace millrace::coordinator {

struct GroupRefusal {
  protocol::ErrorCode error = protocol::ErrorCode::none;
  std::string message;
};

struct ConsumerGroupHeartbeat {
  ConsumerGroupHeartbeat(const protocol::ConsumerGroupHeartbeatRequest& request, const GroupClient& client,
                         MayDescribeTopic may_describe_topic);

  // Without what it leaves to be as it was, it says everything: the client starts anew, or has lost an answer.
  [[nodiscard]] bool is_full() const {
    return member_epoch == joining_member_epoch || (rebalance_timeout_ms != -1 && (topics || pattern) && owned);
  }
  // What it changes in a member.
  void apply_to(ConsumerGroupMember& member) const;

  std::string member_id;
  std::int32_t member_epoch = 0;
  std::optional<std::string> instance_id;
  std::optional<std::string> rack_id;
  std::int32_t rebalance_timeout_ms = -1;
  std::optional<std::vector<std::string>> topics;  // ascending, none twice
  std::optional<std::string> pattern;
  std::optional<std::string> assignor;
  std::optional<AssignedPartitions> owned;
  std::string client_id;
  std::string client_host;
  MayDescribeTopic may_describe;  // empty: everything
};

struct ConsumerGroupHeartbeatOutcome {
  GroupRefusal refusal;  // NONE when it was heard
  std::string member_id{};
  std::int32_t member_epoch = 0;
  std::int32_t heartbeat_interval_ms = 0;
  std::optional<AssignedPartitions> assignment{};
};

// What is wrong with a request whatever the group; none when nothing is
// (GroupMetadataManager.throwIfConsumerGroupHeartbeatRequestIsInvalid).
std::optional<GroupRefusal> check_heartbeat(const protocol::ConsumerGroupHeartbeatRequest& request,
                                            protocol::Version version, const std::vector<std::string>& assignors);

void answer_heartbeat(ConsumerGroupHeartbeatAnswer& answer, const ConsumerGroupHeartbeatOutcome& outcome);

}  // namespace millrace::coordinator
