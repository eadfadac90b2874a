// A JoinGroup that waits for its turn, with what its request views. Owned by whoever makes it wait.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/coordinator/group_call.h"
#include "broker/coordinator/group_member.h"
#include "broker/protocol/messages/join_group.h"

namespace millrace::coordinator {

class HeldJoin {
 public:
  HeldJoin(const protocol::JoinGroupRequest& request, const GroupClient& client);

  // These view it.
  [[nodiscard]] protocol::JoinGroupRequest request() const;
  [[nodiscard]] GroupClient client() const { return {version_, client_id_, host_}; }

 private:
  protocol::Version version_;
  std::string client_id_;
  std::string host_;
  std::string group_id_;
  std::string member_id_;
  std::optional<std::string> instance_id_;
  std::string protocol_type_;
  std::int32_t session_timeout_ms_;
  std::int32_t rebalance_timeout_ms_;
  std::vector<GroupProtocol> protocols_;
};

}  // namespace millrace::coordinator
