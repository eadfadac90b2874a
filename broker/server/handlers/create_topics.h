// CreateTopics: checks everything that can be wrong, then asks the controller, then waits until the partitions can be written to
// (Kafka: ZkAdminManager.createTopics).
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/create_topics.h"

namespace millrace::server {

class RequestContext;

struct CreateTopicsHandler {
  using Request = protocol::CreateTopicsRequest;
  using Response = protocol::CreateTopicsResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
