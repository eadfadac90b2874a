// What an append to a partition's log takes and gives. Its errors are the log's own kinds; the handlers translate them
// to Kafka's codes (Kafka: UnifiedLog.append, LogValidator, ProducerAppendInfo, LogAppendInfo).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "broker/base/bytes.h"
#include "broker/base/types.h"
#include "broker/base/unique_function.h"
#include "broker/log/transaction_verification.h"

namespace millrace::log {

enum class AppendOrigin : std::uint8_t {
  client,  // a produce request: everything is checked, offsets are assigned
  coordinator,  // a group or transaction coordinator of this broker: control batches allowed, no sequence checks; offsets are assigned
  replica,  // a follower's fetch: offsets and epochs are the leader's and must continue the log
};

// Whose requests keep their order: a connection's id. 0: nobody's.
using AppendSource = std::uint64_t;

struct AppendRequest {
  // One v2 batch (client, coordinator), a message set of magic 0 or 1 (client), which is converted, or any number of v2
  // batches (replica; an incomplete last one is left out). Valid until the
  // completion has run. Written to in place: base offset, leader epoch, and where they are wrong or the topic's
  // message.timestamp.type demands it, the maximum timestamp with its attribute and the CRC.
  MutableBytes batches;
  AppendOrigin origin = AppendOrigin::client;
  LeaderEpoch leader_epoch = LeaderEpoch::none();  // of the leader that appends; replica: of the one that sent them,
                                                   // whose batches have none above it; none(): not known
  TimestampMs now;                                 // wall clock of this append
  AppendSource source = 0;
  // Of transactional records: none() at first, then the guard of the refusal (`unverified`), once the coordinator knows that
  // the partition belongs to the transaction. nullopt: transaction.partition.verification.enable is false.
  std::optional<VerificationGuard> verification{};
};

struct AppendResult {
  Offset base_offset;
  Offset last_offset;
  Offset log_start_offset;
  TimestampMs log_append_time = TimestampMs::none();  // only with message.timestamp.type=LogAppendTime
  TimestampMs max_timestamp = TimestampMs::none();
  std::uint64_t size_bytes = 0;  // written
  bool duplicate = false;  // an idempotent producer's retry: the offsets are those of the batch that is there already
};

enum class AppendErrorKind : std::uint8_t {
  corrupt_batch,       // the CRC or the framing is wrong
  invalid_record,      // the batch or some of its records break a rule; see record_errors
  invalid_timestamp,   // some records' timestamps are out of bounds; see record_errors
  unsupported_format,  // magic 0 or 1 where it is not converted
  unsupported_compression,
  batch_too_large,      // larger than max.message.bytes, or it expands too far
  no_memory,            // others are being converted; the same may be taken later
  larger_than_segment,  // larger than segment.bytes
  out_of_order_sequence,
  invalid_producer_epoch,  // a newer incarnation of this producer has written
  invalid_transaction_state,
  unverified,  // the first records of a transaction: the coordinator is to be asked, and then `guard` given with them
  coordinator_fenced,    // a transaction marker of an older coordinator epoch
  offsets_out_of_order,  // replica: offsets within the append do not increase
  unexpected_offset,     // replica: the append starts below the log's end
  storage,               // the disk refused, or an earlier failure left this log unusable until it is recovered
  closed,      // the log is closed or being deleted, or the leader's term ended while the records were checked
  takes_long,  // within the log only: the check is one for the workers
};

struct RecordError {
  std::int32_t index;  // in the batch
  std::string message;
};

struct AppendError {
  AppendErrorKind kind;
  std::string message;
  std::vector<RecordError> record_errors;  // at most max_record_errors
  static constexpr std::size_t max_record_errors = 100;
  VerificationGuard guard = VerificationGuard::none();  // of `unverified`
};

using AppendOutcome = tl::expected<AppendResult, AppendError>;
using AppendCompletion = UniqueFunction<void(AppendOutcome)>;

}  // namespace millrace::log
