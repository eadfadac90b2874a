#include "operator/reconcile/schema_gate.h"

#include "broker/base/logging.h"

namespace millrace::reconcile {
namespace {

constexpr Logger logger{"schema"};
constexpr auto while_refused = std::chrono::seconds(30);
constexpr auto while_unknown = std::chrono::minutes(5);
constexpr auto while_fitting = std::chrono::minutes(10);

}  // namespace

std::string SchemaGate::refusal() {
  std::lock_guard lock(mutex_);
  auto now = clock_.now();
  if (ask_again_ && now < *ask_again_) return refusal_;
  auto check = check_schema(api_);
  switch (check.verdict) {
    case SchemaCheck::Verdict::fits:
      refusal_.clear();
      ask_again_ = now + while_fitting;
      break;
    case SchemaCheck::Verdict::older:
      logger.error("nothing is reconciled: " + check.message);
      refusal_ = check.message;
      ask_again_ = now + while_refused;
      break;
    case SchemaCheck::Verdict::unknown:
      // Whoever grants no right to read definitions answers for their age.
      logger.warning("the age of the resource definition is not known: " + check.message);
      refusal_.clear();
      ask_again_ = now + while_unknown;
      break;
  }
  return refusal_;
}

}  // namespace millrace::reconcile
