#include "broker/server/handlers/init_producer_id.h"

#include "broker/metadata/producer_id_blocks.h"
#include "broker/server/request_context.h"

namespace millrace::server {

using protocol::ErrorCode;

Task<Result<std::optional<protocol::InitProducerIdResponse>>> InitProducerIdHandler::handle(const Request& request,
                                                                                            RequestContext& context) {
  Response response;
  response.producer_epoch = ProducerEpoch::none();
  if (request.transactional_id) {
    response.error_code =
        request.transactional_id->empty() ? ErrorCode::invalid_request : ErrorCode::coordinator_not_available;
    co_return response;
  }
  const bool has_id = request.producer_id != ProducerId::none();
  if (has_id != (request.producer_epoch != ProducerEpoch::none())) {
    response.error_code = ErrorCode::invalid_request;
    co_return response;
  }
  auto& services = context.services();
  auto& home = context.shard();
  auto claimed = co_await completion<Result<ProducerId>>([&](UniqueFunction<void(Result<ProducerId>)> done) {
    services.metadata_shard.post([&services, &home, done = std::move(done)]() mutable {
      services.producer_ids.next([&home, done = std::move(done)](Result<ProducerId> id) mutable {
        home.post([done = std::move(done), id = std::move(id)]() mutable { done(std::move(id)); });
      });
    });
  });
  if (!claimed) {
    // Kafka's clients ask again after this one (ZkProducerIdManager fails in the same way while ZooKeeper is away).
    response.error_code = ErrorCode::coordinator_load_in_progress;
    co_return response;
  }
  response.producer_id = *claimed;
  response.producer_epoch = ProducerEpoch(0);
  co_return response;
}

}  // namespace millrace::server
