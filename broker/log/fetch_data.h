// What a read of a partition's log takes and gives: ranges of segment files, never bytes (Kafka: FetchDataInfo).
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "broker/base/file.h"
#include "broker/base/types.h"
#include "broker/base/unique_function.h"
#include "broker/log/aborted_transaction.h"

namespace millrace::log {

struct ReadRequest {
  Offset offset;  // the batch that holds it comes first, whole
  Offset
      upper_bound;  // batches that reach this offset or go past it are left out: high watermark, last stable offset or log end
  std::uint64_t max_bytes = 0;   // the last batch may be cut, as in Kafka
  bool min_one_message = false;  // the first batch comes whole even when it is larger than max_bytes
  bool read_committed = false;   // with the aborted transactions that the records may be of
};

// Records of one segment; a fetch that wants more asks again. An empty one (no file, length 0) means that there is nothing to read yet.
struct FetchData {
  FileSlice records;
  // Of the first batch, whole: more than records.length_bytes when it was cut (Kafka: firstEntryIncomplete).
  std::uint64_t first_batch_bytes = 0;
  Offset log_start_offset;
  Offset log_end_offset;
  // In the tail that was written most recently and is very likely in the page cache: may be sent without warming it first.
  bool resident = false;
  // Of read_committed: the transactions whose records a reader skips among these, by their markers. Some may have none here.
  std::vector<AbortedTransaction> aborted;
};

enum class ReadErrorKind : std::uint8_t {
  offset_out_of_range,  // outside [log_start_offset, log_end_offset]
  storage,              // the disk refused or the segment's bytes are damaged there
  closed,
};

struct ReadError {
  ReadErrorKind kind;
  std::string message;
  Offset log_start_offset = Offset::none();
  Offset log_end_offset = Offset::none();
};

using ReadOutcome = tl::expected<FetchData, ReadError>;
using ReadCompletion = UniqueFunction<void(ReadOutcome)>;

// The negative timestamps of ListOffsets.
struct OffsetSpec {
  static constexpr TimestampMs latest{-1};
  static constexpr TimestampMs earliest{-2};
  static constexpr TimestampMs max_timestamp{-3};
  static constexpr TimestampMs earliest_local{-4};
  static constexpr TimestampMs latest_tiered{-5};  // there is no tiered storage: always "none"
};

// A record found by time. offset -1: no record is that young (or there is none at all).
struct TimestampOffset {
  TimestampMs timestamp = TimestampMs::none();
  Offset offset = Offset::none();
  LeaderEpoch leader_epoch = LeaderEpoch::none();

  friend bool operator==(const TimestampOffset&, const TimestampOffset&) = default;
};

using TimestampOutcome = tl::expected<TimestampOffset, ReadError>;
using TimestampCompletion = UniqueFunction<void(TimestampOutcome)>;

// OffsetForLeaderEpoch's answer: the largest epoch known that is not above the one asked for, and where it ends (exclusive).
struct EpochEndOffset {
  LeaderEpoch leader_epoch = LeaderEpoch::none();
  Offset end_offset = Offset::none();

  friend bool operator==(const EpochEndOffset&, const EpochEndOffset&) = default;
};

}  // namespace millrace::log
