// OffsetForLeaderEpoch: where leader epochs end in the logs of the partitions that this broker leads (KIP-101, KIP-279,
// KIP-320).
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/offset_for_leader_epoch.h"

namespace millrace::server {

class RequestContext;

struct OffsetForLeaderEpochHandler {
  using Request = protocol::OffsetForLeaderEpochRequest;
  using Response = protocol::OffsetForLeaderEpochResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
