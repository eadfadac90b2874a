#include "operator/reconcile/rollout.h"

#include <nlohmann/json.hpp>

#include "operator/api/json_access.h"
#include "operator/reconcile/broker_objects.h"
#include "operator/reconcile/ensure.h"
#include "operator/reconcile/template_change.h"
#include "operator/resources/config_map.h"
#include "operator/resources/labels.h"
#include "operator/resources/stateful_set.h"

namespace millrace::reconcile {

using Json = nlohmann::json;
using resources::Broker;

namespace {

constexpr auto revision_interval = std::chrono::seconds(1);

std::string text_of(const Broker& broker) { return "broker " + std::to_string(broker.id.value()); }

// The broker's turn has come: its ConfigMap, then its template with the reason of the change.
Result<Json> write_template(ClusterContext& context, const Broker& broker, const std::string& change) {
  auto config = ensure(context, kubernetes::config_maps, resources::config_map(broker));
  if (!config) return config;
  auto desired = resources::stateful_set(broker);
  desired["metadata"]["annotations"][resources::change_annotation] = change;
  return ensure(context, kubernetes::stateful_sets, std::move(desired));
}

// Deletes the very pod that was judged: read again now, and only if it is still that one and unchanged.
Outcome restart(ClusterContext& context, const Broker& broker, const Json& seen, const Json& stateful_set) {
  auto reference = context.reference(kubernetes::pods, api::object_name(seen));
  auto live = context.api.get(reference, {});
  if (!live) return failed(live.error());
  if (api::object_uid(*live) != api::object_uid(seen) || api::is_being_deleted(*live) ||
      pod_revision(stateful_set, *live) != PodRevision::outdated) {
    return waiting("Restarting", text_of(broker) + " is being restarted", revision_interval);
  }
  kubernetes::RemoveOptions options;
  options.uid = api::object_uid(*live);
  options.resource_version = api::resource_version(*live);
  if (auto removed = context.api.remove(reference, options); !removed) return failed(removed.error());
  auto change = api::annotation(stateful_set, resources::change_annotation);
  auto note = text_of(broker) + " is restarted" + (change.empty() ? "" : " to take up a change: " + change);
  context.tell("BrokerRestarting", "Restart", note);
  return waiting("Restarting", note);
}

// Of what a broker's template and pod no longer mount. Only ConfigMaps of this broker, unchanged since they were read.
Status remove_old_configs(ClusterContext& context, const Broker& broker, const Json& stateful_set, const Json& pod) {
  auto id = std::to_string(broker.id.value());
  auto mounted = mounted_config(api::json_at(stateful_set, {"spec", "template"}));
  auto in_use = mounted_config(pod);
  for (const auto& [name, config] : context.objects.config_maps) {
    if (api::label(config, resources::broker_id_label) != id || name == mounted || name == in_use) continue;
    if (!api::is_owned_by(config, context.cluster.uid) || api::is_being_deleted(config)) continue;
    kubernetes::RemoveOptions options;
    options.uid = api::object_uid(config);
    options.resource_version = api::resource_version(config);
    auto removed = context.api.remove(context.reference(kubernetes::config_maps, name), options);
    if (!removed && removed.error().kind != ErrorKind::not_found) return removed;
  }
  return {};
}

// Nothing where the broker runs with the latest specification.
std::optional<Outcome> roll(ClusterContext& context, const Broker& broker, const Json& live) {
  auto state = template_state(context, broker, live);
  Json stateful_set = live;
  if (state == TemplateState::outdated || state == TemplateState::drifted) {
    auto change = state == TemplateState::drifted ? std::string("the pod's template, which somebody else changed")
                                                  : describe_change(context, broker, live);
    if (!context.config.refusals.empty()) {
      return waiting("ConfigRefused", text_of(broker) + " is not restarted while spec.config is refused");
    }
    if (context.cluster.spec.rollout.paused) {
      return waiting("RolloutPaused",
                     text_of(broker) + " waits with a change (" + change + ") because spec.rollout.paused is true");
    }
    auto written = write_template(context, broker, change);
    if (!written) return failed(written.error());
    stateful_set = std::move(*written);
  }
  const Json* pod = find_pod(context, broker);
  if (pod == nullptr) return waiting("Restarting", text_of(broker) + " has no pod yet");
  if (api::is_being_deleted(*pod)) return waiting("Restarting", text_of(broker) + " is being restarted");
  switch (pod_revision(stateful_set, *pod)) {
    case PodRevision::unknown:
      return waiting("Restarting", text_of(broker) + " is about to be restarted", revision_interval);
    case PodRevision::outdated:
      if (context.cluster.spec.rollout.paused) {
        return waiting("RolloutPaused", text_of(broker) + " is not restarted because spec.rollout.paused is true");
      }
      return restart(context, broker, *pod, stateful_set);
    case PodRevision::current:
      break;
  }
  if (auto removed = remove_old_configs(context, broker, stateful_set, *pod); !removed) return failed(removed.error());
  return std::nullopt;
}

bool serves(const ClusterContext& context, const Broker& broker) {
  const Json* pod = find_pod(context, broker);
  return pod != nullptr && status::serves(*pod);
}

}  // namespace

Outcome reconcile_rollout(ClusterContext& context) {
  auto brokers = context.brokers();
  if (brokers.empty()) return waiting("WaitingForBrokers", "no broker has been created yet");
  bool all_serve = true;
  for (const auto& broker : brokers) {
    const Json* found = find_stateful_set(context, broker);
    if (found == nullptr) return waiting("WaitingForBrokers", text_of(broker) + " has not been created yet");
    const Json live = *found;
    if (auto outcome = roll(context, broker, live)) return *outcome;
    all_serve = all_serve && serves(context, broker);
    // One at a time: the next broker's turn comes when this one serves again.
    if (!all_serve) break;
  }
  if (!all_serve) return done("Latest", "what was started was started with the latest specification");
  return done("Latest", "every broker runs with the latest specification");
}

}  // namespace millrace::reconcile
