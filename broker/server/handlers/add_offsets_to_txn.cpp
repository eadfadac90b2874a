#include "broker/server/handlers/add_offsets_to_txn.h"

#include <cstdint>
#include <string>

#include "broker/base/java_string.h"
#include "broker/server/configuration/broker_configuration.h"
#include "broker/server/internal_topics.h"
#include "broker/server/request_context.h"
#include "broker/server/transaction_calls.h"

namespace millrace::server {
namespace {

constexpr protocol::Version first_version_with_producer_fenced = 2;

// Where the group's offsets will be when their topic does not exist yet.
TopicPartition offsets_of(std::string_view group, RequestContext& context) {
  if (const auto known = coordinator_partition(context.image(), group_topic, group))
    return {std::string(group_topic), *known};
  const auto partitions =
      static_cast<std::int32_t>(context.services().configuration.values.integer("offsets.topic.num.partitions"));
  return {std::string(group_topic), PartitionIndex(java_partition(group, partitions))};
}

}  // namespace

Task<Result<std::optional<protocol::AddOffsetsToTxnResponse>>> AddOffsetsToTxnHandler::handle(const Request& request,
                                                                                              RequestContext& context) {
  const auto answer = co_await call_transaction_coordinator(
      context, request.transactional_id,
      [&request, offsets = offsets_of(request.group_id, context)](coordinator::TransactionCoordinator& coordinator,
                                                                  coordinator::TransactionCall call, TimestampMs now) {
        return coordinator.add_partitions(call, {request.transactional_id, request.producer_id, request.producer_epoch},
                                          {offsets}, now);
      });
  Response response;
  response.error_code = fencing_error_of(answer.error, context.version(), first_version_with_producer_fenced);
  co_return response;
}

}  // namespace millrace::server
