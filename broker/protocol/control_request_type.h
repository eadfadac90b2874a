// How much a controller's request says of the cluster (KIP-516, KIP-866).
#pragma once

#include <cstdint>

namespace millrace::protocol {

enum class ControlRequestType : std::int8_t {
  unknown = 0,  // of versions that do not say
  incremental = 1,
  full = 2,  // every partition of the broker: what is missing is stray
};

}  // namespace millrace::protocol
