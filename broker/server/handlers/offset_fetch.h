// OffsetFetch: the offsets that groups keep: of one group before version 8, of many since (KIP-709). Source:
// KafkaApis.handleOffsetFetchRequest.
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/offset_fetch.h"

namespace millrace::server {

class RequestContext;

struct OffsetFetchHandler {
  using Request = protocol::OffsetFetchRequest;
  using Response = protocol::OffsetFetchResponse;
  static constexpr protocol::Versions versions{0, 9};  // Kafka 3.9's
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
