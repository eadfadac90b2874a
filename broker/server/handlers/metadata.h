// Metadata: brokers with the addresses of the listener that was asked, topics by name or id, creation on first use
// (Kafka: KafkaApis.handleTopicMetadataRequest, DefaultAutoTopicCreationManager).
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/metadata.h"

namespace millrace::server {

class RequestContext;

struct MetadataHandler {
  using Request = protocol::MetadataRequest;
  using Response = protocol::MetadataResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
