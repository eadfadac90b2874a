#include "broker/server/handlers/write_txn_markers.h"

#include <cstddef>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/server/answer_memory.h"
#include "broker/server/coordinators.h"
#include "broker/server/request_context.h"

namespace millrace::server {
namespace {

using Request = protocol::WriteTxnMarkersRequest;
using Response = protocol::WriteTxnMarkersResponse;

// What a write takes besides its own fields: its batch while it is appended.
constexpr std::size_t bytes_per_write = sizeof(MarkerWrite) + sizeof(ShardId) + 96;
// A producer's entry in the answer and its place.
constexpr std::size_t bytes_per_answer = sizeof(Response::Marker) + 48;

Result<std::vector<MarkerWrite>> writes_of(const Request& request, RequestContext& context) {
  AnswerMemory memory(context);
  std::vector<MarkerWrite> writes;
  for (const auto& marker : request.markers) {
    if (auto paid = memory.add(bytes_per_answer); !paid) return tl::unexpected(paid.error());
    const log::TransactionMarker content{marker.transaction_result, marker.coordinator_epoch};
    for (const auto& topic : marker.topics) {
      const auto bytes =
          topic.partition_indexes.size() * (bytes_per_write + sizeof(Response::Marker::Topic::Partition));
      if (auto paid = memory.add(bytes); !paid) return tl::unexpected(paid.error());
      for (const auto index : topic.partition_indexes)
        writes.push_back({topic.name, index, marker.producer_id, marker.producer_epoch, content});
    }
  }
  return writes;
}

// The markers of one producer share an entry of the answer, and who has no partition has none, as in Kafka.
class Answers {
 public:
  Response::Marker& of(ProducerId id) {
    const auto [known, is_new] = places_.try_emplace(id, response_.markers.size());
    if (is_new) response_.markers.emplace_back().producer_id = id;
    return response_.markers[known->second];
  }
  [[nodiscard]] Response take() { return std::move(response_); }

 private:
  Response response_;
  std::unordered_map<ProducerId, std::size_t> places_;
};

}  // namespace

Task<Result<std::optional<Response>>> WriteTxnMarkersHandler::handle(const Request& request, RequestContext& context) {
  auto writes = writes_of(request, context);
  if (!writes) co_return tl::unexpected(writes.error());
  co_await context.services().coordinators.marker_writer().write(context.shard(), *writes);
  Answers answers;
  std::size_t next = 0;
  for (const auto& marker : request.markers) {
    for (const auto& topic : marker.topics) {
      if (topic.partition_indexes.empty()) continue;
      auto& answered = answers.of(marker.producer_id).topics.emplace_back();
      answered.name = topic.name;
      for (const auto index : topic.partition_indexes) answered.partitions.push_back({index, (*writes)[next++].error});
    }
  }
  co_return answers.take();
}

}  // namespace millrace::server
