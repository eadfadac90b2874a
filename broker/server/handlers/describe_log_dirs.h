// DescribeLogDirs: the log directories of this broker, what lies in them and how full their volumes are (Kafka:
// KafkaApis.handleDescribeLogDirsRequest, ReplicaManager.describeLogDirs; KIP-113, KIP-827).
//
// Sizes and offsets are the logs' own published counts; nothing is scanned, and what asks the system runs on the pool.
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/describe_log_dirs.h"

namespace millrace::server {

class RequestContext;

struct DescribeLogDirsHandler {
  using Request = protocol::DescribeLogDirsRequest;
  using Response = protocol::DescribeLogDirsResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
