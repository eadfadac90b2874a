// Whether a partition's leader has made up for an unclean election (KIP-704).
#pragma once

#include <cstdint>

namespace millrace::protocol {

enum class LeaderRecoveryState : std::int8_t {
  recovered = 0,
  recovering = 1,
};

}  // namespace millrace::protocol
