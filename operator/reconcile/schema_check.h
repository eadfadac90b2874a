// Whether the CustomResourceDefinition that the API server has is the one this operator was built with. With an older
// one, fields that the operator reads would be pruned in silence, so it refuses to reconcile and names the command that
// brings the right one.
#pragma once

#include <string>

#include "broker/base/result.h"

namespace millrace::kubernetes {
class KubernetesApi;
}

namespace millrace::reconcile {

struct SchemaCheck {
  enum class Verdict : std::uint8_t {
    fits,
    older,       // or not there at all
    unknown,     // the operator may not read CustomResourceDefinitions
    unanswered,  // the API server did not say: ask again
  };
  Verdict verdict = Verdict::unanswered;
  std::string message;  // empty when it fits
};

[[nodiscard]] SchemaCheck check_schema(kubernetes::KubernetesApi& api);

}  // namespace millrace::reconcile
