#include "broker/server/transaction_calls.h"

#include <utility>

#include "broker/replication/replica_manager.h"
#include "broker/server/coordinators.h"
#include "broker/server/internal_topics.h"
#include "broker/server/request_context.h"

namespace millrace::server {

using coordinator::TransactionAnswer;

TransactionCoordinatorPlace transaction_coordinator_of(RequestContext& context, std::string_view transactional_id) {
  const auto partition =
      coordinator_partition(context.image(), transaction_topic, transactional_id).value_or(PartitionIndex(0));
  return {partition, replication::owner_of(transaction_topic, partition, context.services().shards.size())};
}

Task<TransactionAnswer> call_transaction_coordinator(RequestContext& context, std::string_view transactional_id,
                                                     coordinator::TransactionTable::Invoke invoke) {
  const auto place = transaction_coordinator_of(context, transactional_id);
  auto& services = context.services();
  auto& home = context.shard();
  co_return co_await completion<TransactionAnswer>([&](UniqueFunction<void(TransactionAnswer)> done) {
    services.shards.at(place.shard)
        .post([&services, &home, place, invoke = std::move(invoke), done = std::move(done)]() mutable {
          services.coordinators.transactions(place.shard)
              .call(place.partition, std::move(invoke),
                    [&home, done = std::move(done)](const TransactionAnswer& answer) mutable {
                      home.post([answer, done = std::move(done)]() mutable { done(answer); });
                    });
        });
  });
}

Task<tl::expected<std::vector<coordinator::PartitionVerdict>, protocol::ErrorCode>> verify_partitions(
    RequestContext& context, coordinator::TransactionProducer producer, std::vector<TopicPartition> partitions) {
  if (context.image().topic(transaction_topic) == nullptr)
    co_return tl::unexpected(protocol::ErrorCode::coordinator_not_available);
  const auto place = transaction_coordinator_of(context, producer.transactional_id);
  auto& services = context.services();
  co_return co_await run_on(context.shard(), services.shards.at(place.shard),
                            [&services, &producer, &partitions, place] {
                              return services.coordinators.transactions(place.shard)
                                  .ask(place.partition, [&](const coordinator::TransactionCoordinator& coordinator) {
                                    return coordinator.verify_partitions(producer, std::move(partitions));
                                  });
                            });
}

}  // namespace millrace::server
