// EndTxn: a transaction commits or aborts. The answer means that this is stored; its markers follow
// (Kafka: KafkaApis.handleEndTxnRequest).
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/end_txn.h"

namespace millrace::server {

class RequestContext;

struct EndTxnHandler {
  using Request = protocol::EndTxnRequest;
  using Response = protocol::EndTxnResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
