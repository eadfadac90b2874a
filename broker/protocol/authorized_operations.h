// The bit field of operations that a principal may do on a topic, group or cluster (KIP-430).
#pragma once

#include <cstdint>
#include <limits>

namespace millrace::protocol {

// The value when the client did not ask for the operations.
inline constexpr std::int32_t authorized_operations_omitted = std::numeric_limits<std::int32_t>::min();

}  // namespace millrace::protocol
