// DescribeGroups: states and members of groups (KIP-430 for what the client may do). Source: KafkaApis.handleDescribeGroupsRequest.
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/describe_groups.h"

namespace millrace::server {

class RequestContext;

struct DescribeGroupsHandler {
  using Request = protocol::DescribeGroupsRequest;
  using Response = protocol::DescribeGroupsResponse;
  static constexpr protocol::Versions versions{0, 5};  // Kafka 3.9's
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
