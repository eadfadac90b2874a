// Remembers what check_schema said, and asks again from time to time: soon while the definition is too old, rarely while it fits.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "broker/base/clock.h"
#include "operator/reconcile/schema_check.h"

namespace millrace::reconcile {

class SchemaGate {
 public:
  SchemaGate(kubernetes::KubernetesApi& api, const Clock& clock) : api_(api), clock_(clock) {}

  // Why nothing may be reconciled now; empty when all is well. Any thread; may ask the API server.
  [[nodiscard]] std::string refusal();

 private:
  kubernetes::KubernetesApi& api_;
  const Clock& clock_;
  std::mutex mutex_;
  std::optional<MonotonicTime> ask_again_;
  std::string refusal_;
};

}  // namespace millrace::reconcile
