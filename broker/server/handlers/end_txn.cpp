#include "broker/server/handlers/end_txn.h"

#include "broker/server/request_context.h"
#include "broker/server/transaction_calls.h"

namespace millrace::server {
namespace {

constexpr protocol::Version first_version_with_producer_fenced = 2;

}  // namespace

Task<Result<std::optional<protocol::EndTxnResponse>>> EndTxnHandler::handle(const Request& request,
                                                                            RequestContext& context) {
  const auto answer = co_await call_transaction_coordinator(
      context, request.transactional_id,
      [&request](coordinator::TransactionCoordinator& coordinator, coordinator::TransactionCall call, TimestampMs now) {
        return coordinator.end(call, {request.transactional_id, request.producer_id, request.producer_epoch},
                               request.committed, now);
      });
  Response response;
  response.error_code = fencing_error_of(answer.error, context.version(), first_version_with_producer_fenced);
  co_return response;
}

}  // namespace millrace::server
