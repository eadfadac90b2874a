#include "operator/reconcile/brokers.h"

#include <nlohmann/json.hpp>

#include "operator/api/json_access.h"
#include "operator/reconcile/broker_objects.h"
#include "operator/reconcile/ensure.h"
#include "operator/reconcile/volumes.h"
#include "operator/resources/config_map.h"
#include "operator/resources/names.h"
#include "operator/resources/service_account.h"
#include "operator/resources/stateful_set.h"

namespace millrace::reconcile {

using Json = nlohmann::json;
using resources::Broker;
using status::BrokerState;

namespace {

constexpr auto node_interval = std::chrono::seconds(30);

std::string text_of(BrokerId id) { return "broker " + std::to_string(id.value()); }

Status create_broker(ClusterContext& context, const Broker& broker) {
  auto config = ensure(context, kubernetes::config_maps, resources::config_map(broker));
  if (!config) return tl::unexpected(config.error());
  auto made = ensure(context, kubernetes::stateful_sets, resources::stateful_set(broker));
  if (!made) return tl::unexpected(made.error());
  context.tell("BrokerCreated", "CreateBroker", text_of(broker.id) + " starts from image " + broker.image);
  return {};
}

// Everything but the template; and the ConfigMap that the template mounts, where it is one that we know how to make.
Status keep_broker(ClusterContext& context, const Broker& broker, const Json& live) {
  auto kept =
      ensure(context, kubernetes::stateful_sets, resources::with_template_of(resources::stateful_set(broker), live));
  if (!kept) return tl::unexpected(kept.error());
  auto mounted = mounted_config(api::json_at(*kept, {"spec", "template"}));
  if (mounted != resources::config_map_name(broker)) return {};
  auto config = ensure(context, kubernetes::config_maps, resources::config_map(broker));
  if (!config) return tl::unexpected(config.error());
  return {};
}

Status reconcile_broker(ClusterContext& context, const Broker& broker) {
  if (const Json* live = find_stateful_set(context, broker)) {
    const Json copy = *live;
    return keep_broker(context, broker, copy);
  }
  // Neither on volumes that are not recorded nor with a configuration that was refused.
  if (!has_its_volumes(context, broker) || !context.config.refusals.empty()) return {};
  return create_broker(context, broker);
}

std::string_view reason_for(BrokerState state) {
  switch (state) {
    case BrokerState::pending:
      return "BrokerPending";
    case BrokerState::starting:
      return "BrokerStarting";
    case BrokerState::running:
      return "BrokersServing";
    case BrokerState::stopping:
      return "BrokerStopping";
    case BrokerState::failing:
      return "BrokerFailing";
    case BrokerState::unreachable:
      return "BrokerUnreachable";
  }
  return "BrokerPending";
}

bool needs_a_person(BrokerState state) { return state == BrokerState::failing || state == BrokerState::unreachable; }

int gravity(BrokerState state) {
  if (state == BrokerState::running) return 0;
  return needs_a_person(state) ? 2 : 1;
}

}  // namespace

Outcome judge_brokers(const std::vector<status::BrokerStatus>& brokers, std::int32_t wanted) {
  const status::BrokerStatus* worst = nullptr;
  for (const auto& broker : brokers) {
    if (worst == nullptr || gravity(broker.condition.state) > gravity(worst->condition.state)) worst = &broker;
  }
  if (worst == nullptr) return waiting("BrokerPending", "no broker has been created yet");
  auto state = worst->condition.state;
  if (state == BrokerState::running) {
    if (static_cast<std::int32_t>(brokers.size()) < wanted)
      return waiting("BrokerPending", "not every broker has been created yet");
    return done("BrokersServing",
                wanted == 1 ? "the broker serves" : "all " + std::to_string(wanted) + " brokers serve");
  }
  std::string message = text_of(worst->id) + " is " + std::string(to_string(state));
  if (!worst->condition.message.empty()) message += ": " + worst->condition.message;
  // Nothing announces the death of the node of a pod that did not serve before.
  auto look_again = state == BrokerState::pending ? std::nullopt : std::optional<Duration>(node_interval);
  return needs_a_person(state) ? problem(std::string(reason_for(state)), message, look_again)
                               : waiting(std::string(reason_for(state)), message, look_again);
}

Outcome reconcile_brokers(ClusterContext& context) {
  if (!context.record) {
    // Those of an identity that is in doubt go on serving, untouched.
    if (auto seen = broker_statuses(context); !seen.empty())
      return judge_brokers(seen, context.cluster.spec.broker_count());
    return waiting("WaitingForIdentity", "no broker is created before the cluster's identity is settled");
  }
  auto account = ensure(context, kubernetes::service_accounts, resources::service_account(context.cluster));
  if (!account) return failed(account.error());
  for (const auto& broker : context.brokers()) {
    if (auto reconciled = reconcile_broker(context, broker); !reconciled) return failed(reconciled.error());
  }
  return judge_brokers(broker_statuses(context), context.cluster.spec.broker_count());
}

}  // namespace millrace::reconcile
