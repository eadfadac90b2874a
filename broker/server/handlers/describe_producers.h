// DescribeProducers: what the logs remember of idempotent and transactional producers (KIP-664). A replica need not lead
// to tell.
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/describe_producers.h"

namespace millrace::server {

class RequestContext;

struct DescribeProducersHandler {
  using Request = protocol::DescribeProducersRequest;
  using Response = protocol::DescribeProducersResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
