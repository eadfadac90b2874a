// AlterClientQuotas: sets and removes quotas of users, client ids, both together, and addresses (Kafka:
// ZkAdminManager.alterClientQuotas; KIP-546). An entity is durable and shows in this broker's image when it is
// answered.
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/alter_client_quotas.h"

namespace millrace::server {

class RequestContext;

struct AlterClientQuotasHandler {
  using Request = protocol::AlterClientQuotasRequest;
  using Response = protocol::AlterClientQuotasResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
