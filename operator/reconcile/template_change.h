// What is between a broker's template as it is and as it should be.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "operator/reconcile/cluster_context.h"

namespace millrace::reconcile {

enum class TemplateState : std::uint8_t {
  current,
  outdated,         // the specification has changed
  drifted,          // somebody else changed the template
  of_other_version  // of an older or newer operator, from the same specification: left as it is
};

[[nodiscard]] TemplateState template_state(const ClusterContext& context, const resources::Broker& broker,
                                           const nlohmann::json& live);

// In words: "config num.partitions, image a:1 to a:2".
[[nodiscard]] std::string describe_change(const ClusterContext& context, const resources::Broker& broker,
                                          const nlohmann::json& live);

}  // namespace millrace::reconcile
