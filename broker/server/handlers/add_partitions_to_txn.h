// AddPartitionsToTxn: partitions join their producer's transaction, all of them or none. From version 4 on other brokers
// ask for many transactions at once, mostly only whether the partitions have joined
// (Kafka: KafkaApis.handleAddPartitionsToTxnRequest; KIP-890).
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/add_partitions_to_txn.h"

namespace millrace::server {

class RequestContext;

struct AddPartitionsToTxnHandler {
  using Request = protocol::AddPartitionsToTxnRequest;
  using Response = protocol::AddPartitionsToTxnResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
