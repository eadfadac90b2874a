// CreatePartitions: more partitions for topics, by count or with their replicas named (Kafka:
// KafkaApis.handleCreatePartitionsRequest, ZkAdminManager.createPartitions,
// AdminZkClient.createNewPartitionsAssignment).
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/create_partitions.h"

namespace millrace::server {

class RequestContext;

struct CreatePartitionsHandler {
  using Request = protocol::CreatePartitionsRequest;
  using Response = protocol::CreatePartitionsResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
