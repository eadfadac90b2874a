// What a coordinator asks to have appended to its partition of the internal topic. The partition's owner makes one batch of it, appends the
// batches in the order in which they were given out, waits as offsets.commit.required.acks says, and reports each once.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "broker/base/types.h"
#include "broker/log/transaction_verification.h"
#include "broker/protocol/error_code.h"

namespace millrace::coordinator {

using GroupAppendId = std::uint64_t;

struct GroupRecord {
  std::vector<std::uint8_t> key;
  std::optional<std::vector<std::uint8_t>> value;  // none: a tombstone
};

struct GroupAppend {
  GroupAppendId id = 0;
  TimestampMs timestamp{};  // of every record
  // With a producer the batch is transactional: offsets that count once its marker says so.
  ProducerId producer_id = ProducerId::none();
  ProducerEpoch producer_epoch = ProducerEpoch::none();
  Sequence base_sequence = Sequence::none();  // Kafka writes 0 into all batches of offsets
  std::vector<GroupRecord> records;
  std::optional<log::VerificationGuard> verification{};  // as in log::AppendRequest

  [[nodiscard]] bool is_transactional() const { return producer_id != ProducerId::none(); }
};

// How an append ended: `error` as Produce would answer it, NONE with the offset of its first record.
struct GroupAppendOutcome {
  protocol::ErrorCode error = protocol::ErrorCode::none;
  Offset base_offset = Offset::none();
};

}  // namespace millrace::coordinator
