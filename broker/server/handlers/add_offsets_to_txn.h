// AddOffsetsToTxn: the partition of `__consumer_offsets` that has a group's offsets joins a transaction
// (Kafka: KafkaApis.handleAddOffsetsToTxnRequest).
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/add_offsets_to_txn.h"

namespace millrace::server {

class RequestContext;

struct AddOffsetsToTxnHandler {
  using Request = protocol::AddOffsetsToTxnRequest;
  using Response = protocol::AddOffsetsToTxnResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
