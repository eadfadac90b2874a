// DescribeClientQuotas: what was set for the users, client ids and addresses that a filter matches (Kafka:
// ZkAdminManager.describeClientQuotas; KIP-546). Read from the image.
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/describe_client_quotas.h"

namespace millrace::server {

class RequestContext;

struct DescribeClientQuotasHandler {
  using Request = protocol::DescribeClientQuotasRequest;
  using Response = protocol::DescribeClientQuotasResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
