// DescribeConfigs: values with their sources and synonyms, of topics and of this broker (Kafka: ConfigHelper).
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/describe_configs.h"

namespace millrace::server {

class RequestContext;

struct DescribeConfigsHandler {
  using Request = protocol::DescribeConfigsRequest;
  using Response = protocol::DescribeConfigsResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
