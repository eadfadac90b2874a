#include "broker/coordinator/held_join.h"

namespace millrace::coordinator {

HeldJoin::HeldJoin(const protocol::JoinGroupRequest& request, const GroupClient& client)
    : version_(client.version),
      client_id_(client.client_id),
      host_(client.host),
      group_id_(request.group_id),
      member_id_(request.member_id),
      protocol_type_(request.protocol_type),
      session_timeout_ms_(request.session_timeout_ms),
      rebalance_timeout_ms_(request.rebalance_timeout_ms),
      protocols_(copy_protocols(request.protocols)) {
  if (request.group_instance_id) instance_id_ = *request.group_instance_id;
}

protocol::JoinGroupRequest HeldJoin::request() const {
  protocol::JoinGroupRequest request;
  request.group_id = group_id_;
  request.member_id = member_id_;
  if (instance_id_) request.group_instance_id = *instance_id_;
  request.protocol_type = protocol_type_;
  request.session_timeout_ms = session_timeout_ms_;
  request.rebalance_timeout_ms = rebalance_timeout_ms_;
  request.protocols.reserve(protocols_.size());
  for (const auto& protocol : protocols_) request.protocols.push_back({protocol.name, protocol.metadata});
  return request;
}

}  // namespace millrace::coordinator
