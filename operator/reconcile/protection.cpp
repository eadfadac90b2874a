#include "operator/reconcile/protection.h"

#include <nlohmann/json.hpp>

#include "operator/reconcile/ensure.h"
#include "operator/resources/disruption_budget.h"

namespace millrace::reconcile {

Outcome reconcile_protection(ClusterContext& context) {
  auto budget = ensure(context, kubernetes::pod_disruption_budgets, resources::disruption_budget(context.cluster));
  if (!budget) return failed(budget.error());
  auto keep = resources::min_available(context.cluster.spec.broker_count());
  return done("BudgetReady", keep == 0
                                 ? "a single broker may be interrupted at any time: nothing else could take its work"
                                 : "drains leave at least " + std::to_string(keep) + " brokers");
}

}  // namespace millrace::reconcile
