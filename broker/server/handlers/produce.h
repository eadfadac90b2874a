// Produce: batches to their partitions' shards, offsets back in the request's order. With acks=0 there is no answer,
// and a failure closes the connection, so that the client learns of it (Kafka: KafkaApis.handleProduceRequest).
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/produce.h"

namespace millrace::server {

class RequestContext;

struct ProduceHandler {
  using Request = protocol::ProduceRequest;
  using Response = protocol::ProduceResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
