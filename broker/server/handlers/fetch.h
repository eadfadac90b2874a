// Fetch: ranges of segment files from their partitions' shards; waits until min_bytes are there or max_wait_ms is over;
// within a session only what is new (Kafka: KafkaApis.handleFetchRequest, ReplicaManager.fetchMessages, DelayedFetch).
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/fetch.h"

namespace millrace::server {

class RequestContext;

struct FetchHandler {
  using Request = protocol::FetchRequest;
  using Response = protocol::FetchResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
