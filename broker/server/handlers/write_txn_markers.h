// WriteTxnMarkers: another broker's transaction coordinator, or an administrator, ends transactions in partitions that
// this broker leads (Kafka: KafkaApis.handleWriteTxnMarkersRequest).
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/write_txn_markers.h"

namespace millrace::server {

class RequestContext;

struct WriteTxnMarkersHandler {
  using Request = protocol::WriteTxnMarkersRequest;
  using Response = protocol::WriteTxnMarkersResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
