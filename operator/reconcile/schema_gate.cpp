#include "operator/reconcile/schema_gate.h"

#include "broker/base/logging.h"
#include "operator/reconcile/schema_check.h"

namespace millrace::reconcile {
namespace {

constexpr Logger logger{"schema"};
constexpr auto while_unanswered = std::chrono::seconds(5);
constexpr auto while_refused = std::chrono::seconds(30);
constexpr auto while_unknown = std::chrono::minutes(5);
constexpr auto while_fitting = std::chrono::minutes(10);

Outcome unanswered(const std::string& why) {
  auto outcome = failed(
      {ErrorKind::unavailable, "nothing is reconciled before the age of the resource definition is known: " + why});
  outcome.look_again = while_unanswered;
  return outcome;
}

}  // namespace

std::optional<Outcome> SchemaGate::refusal() {
  std::lock_guard lock(mutex_);
  auto now = clock_.now();
  if (ask_again_ && now < *ask_again_) return refusal_;
  auto check = check_schema(api_);
  has_verdict_ = has_verdict_ || check.verdict != SchemaCheck::Verdict::unanswered;
  switch (check.verdict) {
    case SchemaCheck::Verdict::fits:
      refusal_.reset();
      ask_again_ = now + while_fitting;
      break;
    case SchemaCheck::Verdict::older:
      logger.error("nothing is reconciled: " + check.message);
      refusal_ = problem("ResourceDefinitionOutdated", check.message, std::chrono::minutes(1));
      ask_again_ = now + while_refused;
      break;
    case SchemaCheck::Verdict::unknown:
      // Whoever grants no right to read definitions answers for their age.
      logger.warning("the age of the resource definition is not known: " + check.message);
      refusal_.reset();
      ask_again_ = now + while_unknown;
      break;
    case SchemaCheck::Verdict::unanswered:
      logger.warning("the resource definition was not read: " + check.message);
      if (!has_verdict_) refusal_ = unanswered(check.message);
      ask_again_ = now + while_unanswered;
      break;
  }
  return refusal_;
}

}  // namespace millrace::reconcile
