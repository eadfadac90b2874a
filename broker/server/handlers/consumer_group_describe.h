// ConsumerGroupDescribe: state, members and assignments of groups of the new protocol (KIP-848). Source:
// KafkaApis.handleConsumerGroupDescribe of Kafka 4.
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/consumer_group_describe.h"

namespace millrace::server {

class RequestContext;

struct ConsumerGroupDescribeHandler {
  using Request = protocol::ConsumerGroupDescribeRequest;
  using Response = protocol::ConsumerGroupDescribeResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
