#include "broker/server/handlers/init_producer_id.h"

#include <utility>

#include "broker/server/producer_id_claim.h"
#include "broker/server/request_context.h"
#include "broker/server/transaction_calls.h"

namespace millrace::server {
namespace {

using protocol::ErrorCode;

constexpr protocol::Version first_version_with_producer_fenced = 4;

Task<protocol::InitProducerIdResponse> init_transactional(const protocol::InitProducerIdRequest& request,
                                                          RequestContext& context) {
  const auto answer = co_await call_transaction_coordinator(
      context, *request.transactional_id,
      [&request](coordinator::TransactionCoordinator& coordinator, coordinator::TransactionCall call, TimestampMs now) {
        return coordinator.init_producer_id(
            call,
            {*request.transactional_id, request.transaction_timeout_ms, request.producer_id, request.producer_epoch},
            now);
      });
  protocol::InitProducerIdResponse response;
  response.error_code = fencing_error_of(answer.error, context.version(), first_version_with_producer_fenced);
  response.producer_id = answer.producer_id;
  response.producer_epoch = answer.producer_epoch;
  co_return response;
}

}  // namespace

Task<Result<std::optional<protocol::InitProducerIdResponse>>> InitProducerIdHandler::handle(const Request& request,
                                                                                            RequestContext& context) {
  if (request.transactional_id) co_return co_await init_transactional(request, context);
  Response response;
  response.producer_epoch = ProducerEpoch::none();
  const bool has_id = request.producer_id != ProducerId::none();
  if (has_id != (request.producer_epoch != ProducerEpoch::none())) {
    response.error_code = ErrorCode::invalid_request;
    co_return response;
  }
  using Claimed = tl::expected<ProducerId, ErrorCode>;
  auto& services = context.services();
  const auto claimed = co_await completion<Claimed>([&](UniqueFunction<void(Claimed)> done) {
    claim_producer_id(context.shard(), services.metadata_shard, services.producer_ids, std::move(done));
  });
  if (!claimed) {
    response.error_code = claimed.error();
    co_return response;
  }
  response.producer_id = *claimed;
  response.producer_epoch = ProducerEpoch(0);
  co_return response;
}

}  // namespace millrace::server
