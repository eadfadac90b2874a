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

std::vector<resources::Broker> brokers_of(const ClusterContext& context, const resources::FoundingRecord& record) {
  const auto& cluster = context.cluster;
  std::vector<resources::Broker> all;
  auto image = resources::broker_image(cluster.spec, context.default_image);
  for (const auto& [id, member] : record.brokers) {
    if (const auto* pool = cluster.spec.find_pool(member.pool)) {
      all.push_back({cluster, *pool, id, record.cluster_id, image, context.config.values});
    }
  }
  return all;
}

}  // namespace

kubernetes::ObjectReference ClusterContext::reference(const kubernetes::ResourceType& type, std::string name) const {
  return {type, type.scope == kubernetes::Scope::cluster ? std::string() : cluster.namespace_name, std::move(name)};
}

std::vector<resources::Broker> ClusterContext::brokers() const {
  return record ? brokers_of(*this, *record) : std::vector<resources::Broker>();
}

std::vector<resources::Broker> ClusterContext::seen_brokers() const {
  if (record || !seen_record) return brokers();
  return brokers_of(*this, *seen_record);
}

void ClusterContext::tell(std::string reason, std::string action, std::string note) const {
  reconcile::record(*this, {kubernetes::EventType::normal, std::move(reason), std::move(action), std::move(note)});
}

void ClusterContext::warn(std::string reason, std::string action, std::string note) const {
  reconcile::record(*this, {kubernetes::EventType::warning, std::move(reason), std::move(action), std::move(note)});
}

}  // namespace millrace::reconcile
