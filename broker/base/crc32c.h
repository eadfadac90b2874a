// CRC-32C (Castagnoli), the checksum of record batches and producer snapshots.
#pragma once

#include <cstdint>

#include "broker/base/bytes.h"

namespace millrace {

// Continues `previous`, the checksum of what came before (0 at the start).
std::uint32_t crc32c(BytesView bytes, std::uint32_t previous = 0);

}  // namespace millrace
