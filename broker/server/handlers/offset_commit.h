// OffsetCommit: offsets that a group keeps, of partitions that exist. Source: KafkaApis.handleOffsetCommitRequest.
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/offset_commit.h"

namespace millrace::server {

class RequestContext;

struct OffsetCommitHandler {
  using Request = protocol::OffsetCommitRequest;
  using Response = protocol::OffsetCommitResponse;
  static constexpr protocol::Versions versions{0, 9};  // Kafka 3.9's
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
