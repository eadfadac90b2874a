// Remembers what check_schema said, and asks again from time to time: soon while the definition is too old, rarely
// while it fits. Where the API server does not answer, what it said last counts; before it has said anything, nothing
// is reconciled.
#pragma once

#include <mutex>
#include <optional>

#include "broker/base/clock.h"
#include "operator/reconcile/outcome.h"

namespace millrace::kubernetes {
class KubernetesApi;
}

namespace millrace::reconcile {

class SchemaGate {
 public:
  SchemaGate(kubernetes::KubernetesApi& api, const Clock& clock) : api_(api), clock_(clock) {}

  // Why nothing may be reconciled now, and when to look again; nothing when all is well. A problem is for the status to
  // report, a failure passes by itself. Any thread; may ask the API server.
  [[nodiscard]] std::optional<Outcome> refusal();

 private:
  kubernetes::KubernetesApi& api_;
  const Clock& clock_;
  std::mutex mutex_;
  std::optional<MonotonicTime> ask_again_;
  bool has_verdict_ = false;  // the API server has said something: what it said is in refusal_
  std::optional<Outcome> refusal_;
};

}  // namespace millrace::reconcile
