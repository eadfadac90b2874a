// The messages of magic 0 and 1 that a log has, with the offsets and times that they have there: alone, or inside a
// compressed one (Kafka: AbstractLegacyRecordBatch.DeepRecordsIterator). Views; any thread.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/protocol/compression.h"
#include "broker/protocol/legacy_message.h"

namespace millrace::log {

// What is in a log was let in once: only its size is bounded here, not how well it compresses.
inline constexpr protocol::DecompressionLimits stored_limits{.ratio_limit = std::numeric_limits<std::uint32_t>::max()};

struct StoredMessage {
  Offset offset;
  TimestampMs timestamp;
  std::optional<BytesView> key;
  std::optional<BytesView> value;
};

// Of a message, or those inside a compressed one, whose bytes then are in `plain`. corrupt names the offset.
Result<std::vector<StoredMessage>> stored_messages(const protocol::LegacyMessage& outer,
                                                   std::vector<std::uint8_t>& plain);

}  // namespace millrace::log
