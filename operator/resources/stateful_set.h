// One StatefulSet for each broker: it brings the pod back, and nothing else restarts it (OnDelete). Its claims are not its own
// (no volumeClaimTemplates): the operator makes them, and the pod mounts them by name.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "operator/resources/broker.h"

namespace millrace::resources {

// Which specification made the template (template_inputs.h), and which template it was.
inline constexpr std::string_view spec_hash_annotation = "millrace.dev/spec-hash";
inline constexpr std::string_view template_hash_annotation = "millrace.dev/template-hash";
// What the last change of the template was, in words, for events and status.
inline constexpr std::string_view change_annotation = "millrace.dev/change";

[[nodiscard]] nlohmann::json stateful_set(const Broker& broker);

// `desired` with the template that is there: for repairs of everything else, when it is not the broker's turn.
[[nodiscard]] nlohmann::json with_template_of(nlohmann::json desired, const nlohmann::json& live);

}  // namespace millrace::resources
