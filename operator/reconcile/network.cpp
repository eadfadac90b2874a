#include "operator/reconcile/network.h"

#include <nlohmann/json.hpp>

#include "operator/reconcile/ensure.h"
#include "operator/resources/bootstrap_service.h"
#include "operator/resources/headless_service.h"

namespace millrace::reconcile {

Outcome reconcile_network(ClusterContext& context) {
  auto headless = ensure(context, kubernetes::services, resources::headless_service(context.cluster));
  if (!headless) return failed(headless.error());
  auto bootstrap = ensure(context, kubernetes::services, resources::bootstrap_service(context.cluster));
  if (!bootstrap) return failed(bootstrap.error());
  return done("ServicesReady", "clients begin at " + resources::bootstrap_servers(
                                                         context.cluster, context.cluster.spec.listeners.front()));
}

}  // namespace millrace::reconcile
