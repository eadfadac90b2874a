// TxnOffsetCommit: offsets of a group become part of a transaction, once the transaction's coordinator has vouched for the
// group's partition (Kafka: KafkaApis.handleTxnOffsetCommitRequest, GroupCoordinator.handleTxnCommitOffsets; KIP-890).
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/txn_offset_commit.h"

namespace millrace::server {

class RequestContext;

struct TxnOffsetCommitHandler {
  using Request = protocol::TxnOffsetCommitRequest;
  using Response = protocol::TxnOffsetCommitResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
