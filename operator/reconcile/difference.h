// Whether an object of the API server already is as we want it. The server adds defaults, other managers add fields and list
// items, and quantities come back in another spelling: none of that is a difference.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace millrace::reconcile {

// True where everything in `desired` is in `live`. List items are matched by name, uid or topologyKey where they have one.
[[nodiscard]] bool covers(const nlohmann::json& live, const nlohmann::json& desired);

}  // namespace millrace::reconcile
