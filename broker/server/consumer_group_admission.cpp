#include "broker/server/consumer_group_admission.h"

namespace millrace::server {

std::string refusal_of_new_members(const metadata::ClusterImage& image) {
  const auto* const kafka = image.kafka_broker();
  if (kafka == nullptr) return {};
  return "New members of groups of the consumer protocol (KIP-848) are refused while broker " +
         std::to_string(kafka->id.value()) +
         " is Apache Kafka with ZooKeeper, which could not coordinate them: use group.protocol=classic until all "
         "brokers are Millrace.";
}

bool is_new_member(const coordinator::ConsumerGroup* group, const protocol::ConsumerGroupHeartbeatRequest& request) {
  if (request.member_epoch != coordinator::joining_member_epoch) return false;
  if (group == nullptr) return true;
  const bool is_back = request.instance_id && group->find_static(*request.instance_id) != nullptr;
  return !is_back && group->find(request.member_id) == nullptr;
}

}  // namespace millrace::server
