// DeleteRecords: partitions to their owners' shards, which move the start of their logs at once (KIP-107; Kafka:
// KafkaApis.handleDeleteRecordsRequest, ReplicaManager.deleteRecords). A partition that is named more than once is asked once, with
// the offset that comes last.
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/delete_records.h"

namespace millrace::server {

class RequestContext;

struct DeleteRecordsHandler {
  using Request = protocol::DeleteRecordsRequest;
  using Response = protocol::DeleteRecordsResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
