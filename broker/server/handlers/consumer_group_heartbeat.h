// ConsumerGroupHeartbeat: a member of a group of the new protocol comes, goes on, or leaves (KIP-848). New members are refused while a broker
// of the cluster is Apache Kafka 3.9: it could not coordinate their group. Source: KafkaApis.handleConsumerGroupHeartbeat of Kafka 4.
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/consumer_group_heartbeat.h"

namespace millrace::server {

class RequestContext;

struct ConsumerGroupHeartbeatHandler {
  using Request = protocol::ConsumerGroupHeartbeatRequest;
  using Response = protocol::ConsumerGroupHeartbeatResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
