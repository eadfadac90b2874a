// The pod of a broker, fit for the Pod Security profile "restricted".
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "operator/resources/broker.h"

namespace millrace::resources {

inline constexpr const char* broker_container = "broker";
inline constexpr int broker_user = 10001;

[[nodiscard]] nlohmann::json pod_template(const Broker& broker);

}  // namespace millrace::resources
