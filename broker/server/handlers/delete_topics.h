// DeleteTopics: by name or id; waits until this broker knows that the topic is gone (Kafka: ZkAdminManager.deleteTopics).
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/delete_topics.h"

namespace millrace::server {

class RequestContext;

struct DeleteTopicsHandler {
  using Request = protocol::DeleteTopicsRequest;
  using Response = protocol::DeleteTopicsResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
