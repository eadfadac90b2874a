// What must be true of a batch before it becomes part of a log, and the fields that the broker sets in it (Kafka:
// LogValidator, UnifiedLog.analyzeAndValidateRecords). Kafka's order of checks decides which error a client sees:
//
//   base offset 0 (client) · size · CRC · offset range and count · control · sequence · each record's key and timestamp
//
// Uncompressed records are walked in place, compressed ones are stream-decoded; keys and values are skipped. No I/O.
// Any thread. What a few bytes expand to is known only when they are read: a brief check gives up after about a
// millisecond, with takes_long, and has changed nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "broker/base/bytes.h"
#include "broker/base/types.h"
#include "broker/log/append.h"
#include "broker/log/log_config.h"
#include "broker/log/producer_state.h"
#include "broker/protocol/conversion_bounds.h"
#include "broker/protocol/record_batch.h"

namespace millrace::log {

enum class CheckEffort : std::uint8_t {
  brief,  // where others wait: on a shard
  full,
};

// A batch that may be written. Its bytes still have the producer's offsets.
struct CheckedBatch {
  protocol::Batch batch;  // views `bytes`
  MutableBytes bytes;     // the request's, or those of `reencoded`
  // The same records in the topic's codec when it must be another, in the stored format when they came in an old one,
  // or without the gaps that their offsets had.
  std::vector<std::uint8_t> reencoded;
  std::optional<protocol::ConversionCharge> charge;  // for `reencoded`
  // What the header must say: its records' largest, or the append time.
  TimestampMs max_timestamp = TimestampMs::none();
  TimestampMs log_append_time = TimestampMs::none();
  TimestampType timestamp_type = TimestampType::create_time;  // the topic's
};

// One batch of a client or of a coordinator, or a client's message set of an old format. `log_name` is for messages:
// <topic>-<partition>.
tl::expected<CheckedBatch, AppendError> check_batch(const AppendRequest& request, const LogConfig& config,
                                                    const std::string& log_name,
                                                    const protocol::ConversionBoundsPointer& bounds,
                                                    CheckEffort effort);

// max.message.bytes, which batches must keep before and after a conversion.
tl::expected<void, AppendError> check_size(std::size_t size_bytes, const LogConfig& config,
                                           const std::string& log_name);

// How far the records of such a topic may expand. A topic of large batches lets them expand further.
protocol::DecompressionLimits decompression_limits(const LogConfig& config, const protocol::ConversionBounds& bounds);

// The check is not for here.
tl::unexpected<AppendError> takes_long();

// Records that are made anew while others wait.
inline constexpr std::size_t brief_conversion_bytes = std::size_t{16} << 10;

// Why records could not be decompressed; counts what the bounds refused.
AppendError conversion_error(const Error& error, protocol::ConversionBounds& bounds);

// Sets base offset, leader epoch and, where it differs, the maximum timestamp with its type.
void assign_fields(const CheckedBatch& checked, Offset base_offset, LeaderEpoch leader_epoch);

// The framing and CRC of the first batch of a replica's bytes. truncated: an incomplete one, which is left out.
tl::expected<protocol::Batch, AppendError> check_replicated_batch(BytesView bytes, bool& incomplete);
// The same of bytes that another log of this broker has: magic 0 and 1 may be among them, which become a batch with
// the offsets from `next_offset` on.
tl::expected<protocol::Batch, AppendError> check_copied_batch(BytesView bytes, Offset next_offset, bool& incomplete);

}  // namespace millrace::log
