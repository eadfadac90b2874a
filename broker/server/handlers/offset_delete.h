// OffsetDelete: offsets of a group are forgotten, of partitions that exist (KIP-496). Source: KafkaApis.handleOffsetDeleteRequest.
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/offset_delete.h"

namespace millrace::server {

class RequestContext;

struct OffsetDeleteHandler {
  using Request = protocol::OffsetDeleteRequest;
  using Response = protocol::OffsetDeleteResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
