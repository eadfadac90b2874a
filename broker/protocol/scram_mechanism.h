// SCRAM mechanisms by their numbers (KIP-554, org.apache.kafka.clients.admin.ScramMechanism).
#pragma once

#include <cstdint>

namespace millrace::protocol {

enum class ScramMechanism : std::int8_t {
  unknown = 0,
  sha_256 = 1,
  sha_512 = 2,
};

}  // namespace millrace::protocol
