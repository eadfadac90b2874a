#include "operator/reconcile/spec_check.h"

namespace millrace::reconcile {

Outcome check_config(const ClusterContext& context) {
  const auto& refusals = context.config.refusals;
  if (refusals.empty()) return done("ConfigAccepted", "spec.config holds nothing that the operator refuses");
  std::string all;
  for (const auto& refusal : refusals) all += (all.empty() ? "" : "; ") + refusal;
  return problem("ConfigRefused", all + ". No broker is created or restarted until this is mended");
}

}  // namespace millrace::reconcile
