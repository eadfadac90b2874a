// Which records a consumer sees (KIP-98).
#pragma once

#include <cstdint>

namespace millrace::protocol {

enum class IsolationLevel : std::int8_t {
  read_uncommitted = 0,
  read_committed = 1,  // nothing from the first open transaction on, and nothing of aborted ones
};

}  // namespace millrace::protocol
