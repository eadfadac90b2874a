#include "operator/reconcile/kafka_cluster_reconciler.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "operator/api/json_access.h"
#include "operator/reconcile/broker_objects.h"
#include "operator/reconcile/brokers.h"
#include "operator/reconcile/cluster_context.h"
#include "operator/reconcile/identity.h"
#include "operator/reconcile/network.h"
#include "operator/reconcile/protection.h"
#include "operator/reconcile/resource_types.h"
#include "operator/reconcile/rollout.h"
#include "operator/reconcile/spec_check.h"
#include "operator/reconcile/status_report.h"
#include "operator/reconcile/volumes.h"
#include "operator/resources/bootstrap_service.h"
#include "operator/resources/names.h"

namespace millrace::reconcile {

using Json = nlohmann::json;

namespace {

struct Aspect {
  const char* condition;
  Outcome (*reconcile)(ClusterContext& context);
};

// In the order in which one builds on another. Ready says what the first says that is not well.
constexpr std::array aspects = {
    Aspect{"ConfigValid", [](ClusterContext& context) { return check_config(context); }},
    Aspect{"IdentityReady", &reconcile_identity},
    Aspect{"VolumesReady", &reconcile_volumes},
    Aspect{"NetworkReady", &reconcile_network},
    Aspect{"ProtectionReady", &reconcile_protection},
    Aspect{"BrokersReady", &reconcile_brokers},
    Aspect{"UpToDate", &reconcile_rollout},
};

void take_in(ReconcileResult& result, const Outcome& outcome) {
  if (outcome.kind == Outcome::Kind::failed || outcome.kind == Outcome::Kind::retry) {
    result.failed = true;
    result.why += (result.why.empty() ? "" : "; ") + outcome.message;
  }
  if (outcome.look_again)
    result.look_again = std::min(*outcome.look_again, result.look_again.value_or(*outcome.look_again));
}

void take_in(ReconcileResult& result, const Status& written) {
  if (written || written.error().kind == ErrorKind::not_found) return;
  result.failed = true;
  result.why += (result.why.empty() ? "" : "; ") + written.error().message;
}

std::vector<status::ListenerStatus> listener_statuses(const api::KafkaCluster& cluster) {
  std::vector<status::ListenerStatus> all;
  all.reserve(cluster.spec.listeners.size());
  for (const auto& listener : cluster.spec.listeners) {
    all.push_back({listener.name, "internal", resources::bootstrap_servers(cluster, listener)});
  }
  return all;
}

// What the status had before anything else: an id does not change because a record with another one turned up.
std::string cluster_id_of(const ClusterContext& context) {
  if (context.record) return context.record->cluster_id;
  if (!context.recorded_cluster_id.empty() || !context.seen_record) return context.recorded_cluster_id;
  return context.seen_record->cluster_id;
}

void describe(StatusReport& report, const ClusterContext& context) {
  const auto& cluster = context.cluster;
  report.set_cluster_id(cluster_id_of(context));
  report.set_brokers(broker_statuses(context), cluster.spec.broker_count());
  report.set_listeners(listener_statuses(cluster));
}

void act(ClusterContext& context, StatusReport& report, ReconcileResult& result) {
  for (const auto& aspect : aspects) {
    auto outcome = aspect.reconcile(context);
    take_in(result, outcome);
    report.add(aspect.condition, outcome);
  }
}

// Reports and changes nothing.
void only_look(ClusterContext& context, StatusReport& report) {
  auto founding = context.objects.config_maps.find(resources::founding_record_name(context.cluster.name));
  if (founding != context.objects.config_maps.end()) {
    if (auto record = resources::parse_founding_config_map(founding->second)) context.seen_record = std::move(*record);
  }
  for (const auto& aspect : aspects) {
    if (std::string_view(aspect.condition) == "BrokersReady") {
      report.add(aspect.condition, judge_brokers(broker_statuses(context), context.cluster.spec.broker_count()));
    } else {
      report.keep(aspect.condition);
    }
  }
  report.note("Paused", done("PausedBySpec", "spec.paused is true: the operator changes nothing of this cluster"));
}

}  // namespace

KafkaClusterReconciler::KafkaClusterReconciler(kubernetes::KubernetesApi& api, kubernetes::EventSink& events,
                                               const Clock& clock, Random& random, ReconcilerSettings settings)
    : api_(api), events_(events), clock_(clock), random_(random), settings_(std::move(settings)) {}

ReconcileResult KafkaClusterReconciler::reconcile(const kubernetes::ObjectKey& key) {
  ReconcileResult result;
  auto object = api_.get({kafka_clusters, key.namespace_name, key.name}, {});
  if (!object) {
    // Its children go with it by their owner references; there is nothing left to do here.
    result.gone = object.error().kind == ErrorKind::not_found;
    result.failed = !result.gone;
    result.why = object.error().message;
    return result;
  }
  if (api::is_being_deleted(*object)) return result;
  StatusReport report(*object, clock_);
  if (auto refusal = settings_.refusal()) {
    take_in(result, *refusal);
    if (!result.failed) take_in(result, report.write_refusal(api_, events_, *refusal));
    return result;
  }
  auto cluster = api::parse_kafka_cluster(*object);
  if (!cluster) {
    take_in(result, report.write_refusal(api_, events_, problem("SpecInvalid", cluster.error().message)));
    return result;
  }
  auto objects = read_cluster_objects(api_, *cluster);
  if (!objects) {
    result.failed = true;
    result.why = objects.error().message;
    return result;
  }
  ClusterContext context{.api = api_,
                         .events = events_,
                         .random = random_,
                         .default_image = settings_.default_image,
                         .now = clock_.wall_clock(),
                         .cluster = *cluster,
                         .recorded_cluster_id = api::text_at(*object, {"status", "clusterId"}),
                         .config = api::check_broker_config(cluster->spec.config),
                         .objects = std::move(*objects),
                         .record = std::nullopt,
                         .seen_record = std::nullopt};
  if (cluster->spec.paused) {
    only_look(context, report);
  } else {
    act(context, report, result);
  }
  describe(report, context);
  take_in(result, report.write(api_, events_));
  return result;
}

}  // namespace millrace::reconcile
