// `millrace-operator check`: whether the API server is as this operator needs it, asked with its own permissions. `helm test` runs it.
#pragma once

#include "operator/kubernetes/configuration.h"
#include "operator/operator_settings.h"

namespace millrace {

// Prints a line for each thing that was looked at. True when all are well.
[[nodiscard]] bool check_installation(const kubernetes::ClientConfiguration& configuration,
                                      const OperatorSettings& settings);

}  // namespace millrace
