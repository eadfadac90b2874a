#include "broker/server/handler_list.h"

#include "broker/base/task.h"
#include "broker/protocol/message.h"
#include "broker/server/configuration/broker_configuration.h"
#include "broker/server/handlers/add_offsets_to_txn.h"
#include "broker/server/handlers/add_partitions_to_txn.h"
#include "broker/server/handlers/alter_client_quotas.h"
#include "broker/server/handlers/alter_configs.h"
#include "broker/server/handlers/alter_replica_log_dirs.h"
#include "broker/server/handlers/api_versions.h"
#include "broker/server/handlers/consumer_group_describe.h"
#include "broker/server/handlers/consumer_group_heartbeat.h"
#include "broker/server/handlers/create_partitions.h"
#include "broker/server/handlers/create_topics.h"
#include "broker/server/handlers/delete_groups.h"
#include "broker/server/handlers/delete_records.h"
#include "broker/server/handlers/delete_topics.h"
#include "broker/server/handlers/describe_client_quotas.h"
#include "broker/server/handlers/describe_cluster.h"
#include "broker/server/handlers/describe_configs.h"
#include "broker/server/handlers/describe_groups.h"
#include "broker/server/handlers/describe_log_dirs.h"
#include "broker/server/handlers/describe_producers.h"
#include "broker/server/handlers/describe_transactions.h"
#include "broker/server/handlers/end_txn.h"
#include "broker/server/handlers/fetch.h"
#include "broker/server/handlers/find_coordinator.h"
#include "broker/server/handlers/heartbeat.h"
#include "broker/server/handlers/incremental_alter_configs.h"
#include "broker/server/handlers/init_producer_id.h"
#include "broker/server/handlers/join_group.h"
#include "broker/server/handlers/leave_group.h"
#include "broker/server/handlers/list_groups.h"
#include "broker/server/handlers/list_offsets.h"
#include "broker/server/handlers/list_transactions.h"
#include "broker/server/handlers/metadata.h"
#include "broker/server/handlers/offset_commit.h"
#include "broker/server/handlers/offset_delete.h"
#include "broker/server/handlers/offset_fetch.h"
#include "broker/server/handlers/offset_for_leader_epoch.h"
#include "broker/server/handlers/produce.h"
#include "broker/server/handlers/sync_group.h"
#include "broker/server/handlers/txn_offset_commit.h"
#include "broker/server/handlers/update_features.h"
#include "broker/server/handlers/write_txn_markers.h"
#include "broker/server/request_context.h"

namespace millrace::server {
namespace {

// A body of more bytes is decoded, and its answer encoded, by a worker: its arrays may have hundreds of thousands of elements, and a
// shard would serve nobody else meanwhile. It is far more than clients of clusters with thousands of partitions send.
constexpr std::size_t large_body_bytes = std::size_t{32} << 10;

// The next request of a connection overtakes one that is with a worker. So none leaves that changes anything, nor Fetch, whose
// sessions count their requests.
enum class LargeOnes : std::uint8_t { stay, leave };

protocol::DecodeOptions decode_options(RequestContext& context, std::size_t& used_memory_bytes) {
  const auto limit_bytes =
      std::min(context.services().configuration.network.request_arrays_max_bytes, context.arrays_max_bytes());
  return {.memory_limit_bytes = limit_bytes, .used_memory_bytes = &used_memory_bytes};
}

std::int32_t milliseconds_of(Duration wait) {
  return static_cast<std::int32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(wait).count());
}

template <class Handler, LargeOnes large_ones>
Task<Result<std::optional<OutputChain>>> handle(BytesView body, RequestContext& context) {
  const bool is_large = large_ones == LargeOnes::leave && body.size() > large_body_bytes;
  auto decode = [body, &context]() -> Result<typename Handler::Request> {
    std::size_t arrays_bytes = 0;
    auto decoded = protocol::decode<typename Handler::Request>(body, context.version(), nullptr,
                                                               decode_options(context, arrays_bytes));
    if (decoded && !context.charge_arrays(arrays_bytes))
      return fail(ErrorKind::resource_exhausted, "there is no memory for what the request holds");
    return decoded;
  };
  auto request = is_large ? co_await run_on_worker(context.shard(), decode) : decode();
  if (!request) co_return tl::unexpected(request.error());
  auto response = co_await Handler::handle(*request, context);
  if (!response) co_return tl::unexpected(response.error());
  if (!response->has_value()) context.quota().is_unanswered();
  const auto wait = context.quota().settle();
  if (!response->has_value()) co_return std::optional<OutputChain>();
  if constexpr (requires { (*response)->throttle_time_ms; }) {
    if (wait > Duration::zero()) (*response)->throttle_time_ms = milliseconds_of(wait);
  }
  auto encode = [answer = std::move(**response), version = context.version(),
                 correlation_id = context.header().correlation_id] {
    return protocol::encode_response_frame(answer, version, correlation_id, protocol::FrameLength::left_out);
  };
  auto frame = is_large ? co_await run_on_worker(context.shard(), std::move(encode)) : encode();
  if (!frame) co_return tl::unexpected(frame.error());
  co_return std::optional<OutputChain>(std::move(*frame));
}

// The message's, unless the handler serves fewer.
template <class Handler>
constexpr protocol::Versions versions_of() {
  if constexpr (requires { Handler::versions; }) {
    return Handler::versions;
  } else {
    return Handler::Request::versions;
  }
}

template <class Handler, LargeOnes large_ones = LargeOnes::stay>
constexpr HandlerEntry entry() {
  return {Handler::Request::api_key, versions_of<Handler>(), &handle<Handler, large_ones>};
}

constexpr std::array entries{
    entry<ProduceHandler>(),
    entry<FetchHandler>(),
    entry<ListOffsetsHandler, LargeOnes::leave>(),
    entry<MetadataHandler, LargeOnes::leave>(),
    entry<OffsetCommitHandler>(),
    entry<OffsetFetchHandler, LargeOnes::leave>(),
    entry<FindCoordinatorHandler, LargeOnes::leave>(),
    entry<JoinGroupHandler>(),
    entry<HeartbeatHandler>(),
    entry<LeaveGroupHandler>(),
    entry<SyncGroupHandler>(),
    entry<DescribeGroupsHandler, LargeOnes::leave>(),
    entry<ListGroupsHandler, LargeOnes::leave>(),
    entry<ApiVersionsHandler>(),
    entry<CreateTopicsHandler>(),
    entry<DeleteTopicsHandler>(),
    entry<DeleteRecordsHandler>(),
    entry<InitProducerIdHandler>(),
    entry<OffsetForLeaderEpochHandler, LargeOnes::leave>(),
    entry<AddPartitionsToTxnHandler>(),
    entry<AddOffsetsToTxnHandler>(),
    entry<EndTxnHandler>(),
    entry<WriteTxnMarkersHandler>(),
    entry<TxnOffsetCommitHandler>(),
    entry<DescribeConfigsHandler, LargeOnes::leave>(),
    entry<AlterConfigsHandler>(),
    entry<AlterReplicaLogDirsHandler>(),
    entry<DescribeLogDirsHandler, LargeOnes::leave>(),
    entry<CreatePartitionsHandler>(),
    entry<DeleteGroupsHandler>(),
    entry<IncrementalAlterConfigsHandler>(),
    entry<OffsetDeleteHandler>(),
    entry<DescribeClientQuotasHandler, LargeOnes::leave>(),
    entry<AlterClientQuotasHandler>(),
    entry<UpdateFeaturesHandler>(),
    entry<DescribeClusterHandler>(),
    entry<DescribeProducersHandler, LargeOnes::leave>(),
    entry<DescribeTransactionsHandler, LargeOnes::leave>(),
    entry<ListTransactionsHandler, LargeOnes::leave>(),
    entry<ConsumerGroupHeartbeatHandler>(),
    entry<ConsumerGroupDescribeHandler, LargeOnes::leave>(),
};
static_assert(std::ranges::is_sorted(entries, {}, &HandlerEntry::key));

}  // namespace

std::span<const HandlerEntry> handler_list() { return entries; }

const HandlerEntry* find_handler(protocol::ApiKey key) {
  auto found = std::ranges::lower_bound(entries, key, {}, &HandlerEntry::key);
  return found != entries.end() && found->key == key ? &*found : nullptr;
}

}  // namespace millrace::server
