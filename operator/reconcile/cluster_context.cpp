#include "operator/reconcile/cluster_context.h"

#include "operator/reconcile/resource_types.h"
#include "operator/status/text_limit.h"

namespace millrace::reconcile {
namespace {

constexpr std::size_t note_bytes_max = 1024;  // of events.k8s.io/v1

void record(const ClusterContext& context, kubernetes::EventDescription event) {
  event.note = status::keep_first(std::move(event.note), note_bytes_max);
  context.events.record({context.reference(kafka_clusters, context.cluster.name), context.cluster.uid}, event);
}

}  // namespace

kubernetes::ObjectReference ClusterContext::reference(const kubernetes::ResourceType& type, std::string name) const {
  return {type, type.scope == kubernetes::Scope::cluster ? std::string() : cluster.namespace_name, std::move(name)};
}

std::vector<resources::Broker> ClusterContext::brokers() const {
  std::vector<resources::Broker> all;
  if (!record) return all;
  auto image = resources::broker_image(cluster.spec, default_image);
  for (const auto& [id, member] : record->brokers) {
    if (const auto* pool = cluster.spec.find_pool(member.pool)) {
      all.push_back({cluster, *pool, id, record->cluster_id, image, config.values});
    }
  }
  return all;
}

void ClusterContext::tell(std::string reason, std::string action, std::string note) const {
  reconcile::record(*this, {kubernetes::EventType::normal, std::move(reason), std::move(action), std::move(note)});
}

void ClusterContext::warn(std::string reason, std::string action, std::string note) const {
  reconcile::record(*this, {kubernetes::EventType::warning, std::move(reason), std::move(action), std::move(note)});
}

}  // namespace millrace::reconcile
