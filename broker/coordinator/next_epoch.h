// The number after a group's generation or epoch. Both only grow and begin with 1, so that no group gets to the end of them by itself, but
// a record can claim the largest: Kafka's overflows there to a negative one, which clients take for none; here it begins again.
#pragma once

#include <cstdint>
#include <limits>

namespace millrace::coordinator {

[[nodiscard]] constexpr std::int32_t next_epoch(std::int32_t epoch) {
  return epoch == std::numeric_limits<std::int32_t>::max() ? 1 : epoch + 1;
}

}  // namespace millrace::coordinator
