// A member of a classic group and what it waits for (kafka.coordinator.group.MemberMetadata). Owned by its group.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/unique_function.h"
#include "broker/coordinator/group_protocol.h"
#include "broker/coordinator/group_timers.h"
#include "broker/protocol/messages/join_group.h"
#include "broker/protocol/messages/sync_group.h"

namespace millrace::coordinator {

// Called once, within some call to the coordinator, whose state must not be touched from here: what the response views lives only
// until the answer returns.
using JoinAnswer = UniqueFunction<void(const protocol::JoinGroupResponse&)>;
using SyncAnswer = UniqueFunction<void(const protocol::SyncGroupResponse&)>;

// A JoinGroup that waits, and the version that it is answered in.
struct WaitingJoin {
  protocol::Version version = 0;
  JoinAnswer answer;

  explicit operator bool() const { return static_cast<bool>(answer); }
};

std::vector<GroupProtocol> copy_protocols(const std::vector<protocol::JoinGroupRequest::Protocol>& protocols);

struct GroupMember {
  GroupMember(GroupTimers& timers, Group& group, std::string member_id)
      : id(std::move(member_id)), session(timers, GroupTimerKind::session, group, this) {}

  // Whether a rejoining member brings just the protocols that are known of it, in the same order.
  [[nodiscard]] bool matches(const std::vector<protocol::JoinGroupRequest::Protocol>& offered) const;
  // What it said for a protocol; empty when it does not know it.
  [[nodiscard]] BytesView metadata_for(std::string_view protocol_name) const;
  [[nodiscard]] bool is_static() const { return instance_id.has_value(); }
  // Whether silence is no reason to drop it now: it waits for an answer. A new member has to be there again after a while, since it
  // knows its id only from that answer.
  [[nodiscard]] bool is_excused() const { return !is_new && (static_cast<bool>(join) || static_cast<bool>(sync)); }

  std::string id;
  std::optional<std::string> instance_id;
  std::string client_id;
  std::string client_host;
  std::int32_t rebalance_timeout_ms = 0;
  std::int32_t session_timeout_ms = 0;
  std::vector<GroupProtocol> protocols;  // as the member prefers them
  std::vector<std::uint8_t> assignment;

  WaitingJoin join;
  SyncAnswer sync;
  bool is_new = false;     // has never been answered with a generation
  bool owes_sync = false;  // has not asked for its assignment in this generation
  GroupTimer session;
};

// A member id that was handed out and has not come back yet (KIP-394).
struct PendingMember {
  PendingMember(GroupTimers& timers, Group& group, std::string member_id)
      : id(std::move(member_id)), expiry(timers, GroupTimerKind::pending, group, nullptr, this) {}

  std::string id;
  GroupTimer expiry;
};

}  // namespace millrace::coordinator
