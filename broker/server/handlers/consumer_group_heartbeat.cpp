#include "broker/server/handlers/consumer_group_heartbeat.h"

#include <string>
#include <utility>

#include "broker/coordinator/consumer_group.h"
#include "broker/server/group_calls.h"

namespace millrace::server {

using coordinator::GroupCoordinator;
using coordinator::GroupTime;

namespace {

// Why no new member is taken; empty where nothing speaks against it. Java's consumer then says which protocol to use instead.
std::string refusal_of_new_members(const metadata::ClusterImage& image) {
  const auto* const kafka = image.kafka_broker();
  if (kafka == nullptr) return {};
  return "New members of groups of the consumer protocol (KIP-848) are refused while broker " +
         std::to_string(kafka->id.value()) +
         " is Apache Kafka with ZooKeeper, which could not coordinate them: use group.protocol=classic until all "
         "brokers "
         "are Millrace.";
}

bool is_new(const GroupCoordinator& coordinator, const protocol::ConsumerGroupHeartbeatRequest& request) {
  if (request.member_epoch != coordinator::joining_member_epoch) return false;
  const auto* const group = coordinator.find_consumer(request.group_id);
  if (group == nullptr) return true;
  const bool is_back = request.instance_id && group->find_static(*request.instance_id) != nullptr;
  return !is_back && group->find(request.member_id) == nullptr;
}

}  // namespace

Task<Result<std::optional<protocol::ConsumerGroupHeartbeatResponse>>> ConsumerGroupHeartbeatHandler::handle(
    const Request& request, RequestContext& context) {
  const auto client = group_client(context);
  const auto refusal = context.keep(refusal_of_new_members(context.image()));
  auto ask = [&request, client, refusal](GroupCoordinator& coordinator, auto answer, GroupTime time) {
    if (!refusal.empty() && is_new(coordinator, request)) {
      Response refused;
      refused.error_code = protocol::ErrorCode::unsupported_version;
      refused.error_message = refusal;
      return answer(refused);
    }
    coordinator.consumer_group_heartbeat(request, client, {}, std::move(answer), time);
  };
  co_return co_await answer_of_group<Response>(context, request.group_id, WhileWaiting::release_request, ask);
}

}  // namespace millrace::server
