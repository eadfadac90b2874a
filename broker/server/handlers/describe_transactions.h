// DescribeTransactions: what this broker's coordinators know of transactional ids
// (Kafka: TransactionCoordinator.handleDescribeTransactions; KIP-664).
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/describe_transactions.h"

namespace millrace::server {

class RequestContext;

struct DescribeTransactionsHandler {
  using Request = protocol::DescribeTransactionsRequest;
  using Response = protocol::DescribeTransactionsResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
