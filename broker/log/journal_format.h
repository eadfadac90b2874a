// The bytes of a journal (journal.h): files of equal size, each a header of one block and then groups, each from a block's start on. Numbers are
// big-endian, CRCs are CRC-32C. docs/log-format.md has an example.
//
//   header  0 "MRJF"  4 CRC of the rest of the block  8 version, int16  10 journal id  26 needed from, int64  34 bytes of the file, int64
//           42 broker id, int32  46 cluster id, string  .. log directory, string  .. zeros
//   group   0 "MRJG"  4 CRC of the rest of this header  8 journal id  24 sequence, int64  32 needed from, int64  40 records, int32
//           44 bytes with this header, int64  52 records  .. whatever, to the end of the block
//   record  0 "MRJR"  4 CRC of the rest of the record  8 sequence of its group, int64  16 kind, int8  17 bytes of its batches, int32
//           21 topic id  37 partition, int32  41 since, int64  49 from, int64  57 end, int64  65 leader epoch, int32
//           69 topic, string  .. batches
//
// A string is an int16 and so many bytes. The sequence counts groups and never goes back; the random journal id keeps what a producer
// sends from being taken for a group. "Needed from" is the first group whose records a replay must have: what is older is left over in files
// that were reused. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/file.h"
#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/base/uuid.h"

namespace millrace::log {

using JournalSequence = std::int64_t;

inline constexpr std::size_t journal_block_bytes = direct_alignment_bytes;
inline constexpr std::size_t journal_group_header_bytes = 52;
inline constexpr std::size_t journal_record_header_bytes = 71;  // without the topic
inline constexpr std::int16_t journal_version = 1;

// Whose logs a journal has.
struct JournalOwner {
  std::string cluster_id;
  BrokerId broker_id = BrokerId::none();
  std::string log_directory;

  friend bool operator==(const JournalOwner&, const JournalOwner&) = default;
};

struct JournalHeader {
  Uuid journal;
  JournalOwner owner;
  std::uint64_t file_bytes = 0;
  JournalSequence needed_from = 1;
};

struct JournalGroup {
  Uuid journal;
  JournalSequence sequence = 0;
  JournalSequence needed_from = 1;
  std::int32_t records = 0;
  std::uint64_t bytes = 0;  // with its header, without what fills the last block
};

enum class JournalRecordKind : std::int8_t {
  batches = 1,  // of an append
  cut = 2,      // what came before, from the offset `end` on, is void: the log was truncated there, or has gone
};

struct JournalRecord {
  JournalRecordKind kind = JournalRecordKind::batches;
  TopicPartition partition;
  TopicId topic_id;
  // The journal has all of the log from here on. Nothing of that is confirmed before the segments have what is below.
  Offset since;
  Offset from;                                     // the log's end before the append
  Offset end;                                      // and after it
  LeaderEpoch leader_epoch = LeaderEpoch::none();  // of the first batch
  BytesView batches;
};

// The next multiple of a block.
constexpr std::uint64_t journal_blocks(std::uint64_t bytes) {
  return (bytes + journal_block_bytes - 1) / journal_block_bytes * journal_block_bytes;
}
// Of a file, what can be written to: whole blocks.
constexpr std::uint64_t journal_whole_blocks(std::uint64_t bytes) {
  return bytes / journal_block_bytes * journal_block_bytes;
}
inline std::size_t journal_record_bytes(std::size_t topic_bytes, std::size_t batches_bytes) {
  return journal_record_header_bytes + topic_bytes + batches_bytes;
}

// A block. invalid_argument when the names are too long for it.
Result<std::vector<std::uint8_t>> encode_journal_header(const JournalHeader& header);
// corrupt when this is no header; unsupported for another version.
Result<JournalHeader> parse_journal_header(BytesView block);

void encode_journal_group(MutableBytes into, const JournalGroup& group);
// nullopt: no group of this journal begins here.
std::optional<JournalGroup> parse_journal_group(BytesView bytes, const Uuid& journal);

// Writes journal_record_bytes of them.
void encode_journal_record(MutableBytes into, const JournalRecord& record, JournalSequence sequence);
// The records of a group, of which `bytes` are group.bytes from its header on. nullopt: not all of it is as it was written.
std::optional<std::vector<JournalRecord>> parse_journal_records(const JournalGroup& group, BytesView bytes);

// A whole group that was found in a file.
struct FoundGroup {
  JournalSequence sequence;
  JournalSequence needed_from;
  std::size_t file;
  std::uint64_t position;
};

struct JournalJudgement {
  std::vector<FoundGroup> needed;  // for a replay, in order
  JournalSequence next_sequence = 1;
  // A group is missing or damaged although a later one is whole: the disk had confirmed it. Empty: none.
  std::string damage;
};

// What of all groups that were found is to be replayed. `needed_from` is the largest of the headers. A last group that is not whole was never
// confirmed, and is not known of.
JournalJudgement judge_journal(std::vector<FoundGroup> found, JournalSequence needed_from);

}  // namespace millrace::log
