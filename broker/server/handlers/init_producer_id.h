// InitProducerId: an id of its own for every idempotent producer; with a transactional id the answer is its coordinator's.
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/init_producer_id.h"

namespace millrace::server {

class RequestContext;

struct InitProducerIdHandler {
  using Request = protocol::InitProducerIdRequest;
  using Response = protocol::InitProducerIdResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
