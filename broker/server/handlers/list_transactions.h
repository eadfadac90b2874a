// ListTransactions: the transactional ids that this broker coordinates (Kafka: TransactionCoordinator.handleListTransactions;
// KIP-664, KIP-994).
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/list_transactions.h"

namespace millrace::server {

class RequestContext;

struct ListTransactionsHandler {
  using Request = protocol::ListTransactionsRequest;
  using Response = protocol::ListTransactionsResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
