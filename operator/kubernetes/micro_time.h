// Kubernetes' MicroTime: 2024-01-31T12:00:00.000000Z. Written into Leases and Events, for people and for other clients.
#pragma once

#include <string>

#include "broker/base/types.h"

namespace millrace::kubernetes {

[[nodiscard]] std::string micro_time(TimestampMs time);

}  // namespace millrace::kubernetes
