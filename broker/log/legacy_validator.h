// Message sets of the formats before record batches, as old producers send them: checked, and made the one batch that is
// stored (Kafka: LogValidator.convertAndAssignOffsetsNonCompressed, buildRecordsAndAssignOffsets). Kafka's order:
//
//   every message: size · CRC;  then: one compressed message at most · one magic ·
//   inner messages' magic, CRC, key and timestamp
//
// Offsets that producers give are passed over, as Kafka does: some clients never got those of compressed messages
// right. No I/O. Any thread.
#pragma once

#include <string>

#include <tl/expected.hpp>

#include "broker/log/record_validator.h"

namespace millrace::log {

// Whether a client's append is of magic 0 or 1.
bool is_legacy(BytesView records);

// `checked.bytes` are of the converted batch.
tl::expected<CheckedBatch, AppendError> check_legacy(const AppendRequest& request, const LogConfig& config,
                                                     const std::string& log_name,
                                                     const protocol::ConversionBoundsPointer& bounds,
                                                     CheckEffort effort);

}  // namespace millrace::log
