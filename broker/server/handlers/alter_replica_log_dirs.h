// AlterReplicaLogDirs: replicas of this broker begin to move between its log directories, and nobody waits for their arrival (KIP-113;
// Kafka: KafkaApis.handleAlterReplicaLogDirsRequest, ReplicaManager.alterReplicaLogDirs). A partition that is named more than
// once moves to the directory that comes last.
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/alter_replica_log_dirs.h"

namespace millrace::server {

class RequestContext;

struct AlterReplicaLogDirsHandler {
  using Request = protocol::AlterReplicaLogDirsRequest;
  using Response = protocol::AlterReplicaLogDirsResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
