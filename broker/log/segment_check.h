// What is checked of the batches of a log before they are trusted, in one place for all who read every byte of them: recovery,
// compaction, the appends of a follower and the scrubber.
//
//     check_batch        of one batch or message, any magic: its framing, its size, its checksum (CRC-32C of magic 2, CRC-32 of 0 and 1)
//     BatchOrder         against its neighbours: base offsets increase and lie within the segment; leader epochs do not decrease, and
//                        are those that the epoch cache assigns to the offsets
//
// The base offset, the length and the leader epoch of a batch are covered by no checksum: what the neighbours do not tell of them
// docs/log-format.md lists. Index entries are compared with the batches that they point to in segment_scrub.h.
//
// No threads, no state but the objects'. Errors: corrupt (truncated: the batch's end is missing) for what is wrong with the bytes,
// without the file's name; those of the file else.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/file.h"
#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/log/batch_scanner.h"
#include "broker/log/checkpoint_file.h"

namespace millrace::log {

// Whether an error says that bytes are wrong, not that they could not be read.
inline bool is_damage(const Error& error) {
  return error.kind == ErrorKind::corrupt || error.kind == ErrorKind::truncated;
}

// Where the bytes of batches come from.
class BatchBytes {
 public:
  BatchBytes() = default;
  BatchBytes(const BatchBytes&) = delete;
  BatchBytes& operator=(const BatchBytes&) = delete;
  virtual ~BatchBytes() = default;

  // Between 1 and `count` bytes at `position`, as long as nothing else is asked for; none at the end.
  virtual Result<BytesView> at(std::uint64_t position, std::uint64_t count) = 0;
};

// Reads a file in large chunks; a batch that is longer than a chunk comes piece by piece. One thread.
class FileChunks final : public BatchBytes {
 public:
  enum class Through : std::uint8_t { page_cache, disk };  // disk: File::read_at_uncached

  FileChunks(const File& file, std::size_t chunk_bytes, Through through = Through::page_cache)
      : file_(file), through_(through), buffer_(chunk_bytes) {}

  Result<BytesView> at(std::uint64_t position, std::uint64_t count) override;
  [[nodiscard]] std::uint64_t read_bytes() const { return read_bytes_; }  // since it was made

 private:
  const File& file_;
  const Through through_;
  std::vector<std::uint8_t> buffer_;
  std::uint64_t begin_ = 0;
  std::uint64_t size_ = 0;
  std::uint64_t read_bytes_ = 0;
};

// The batch or message at `position` of bytes that end at `end`, sound in itself.
Result<ScannedBatch> check_batch(BatchBytes& bytes, std::uint64_t position, std::uint64_t end);

// One whole batch or message of any magic, and what a log may do with it.
struct AnyBatch {
  BytesView bytes;
  std::int8_t magic = 0;
  Offset base_offset;  // of a compressed message: that of its last record
  Offset last_offset;
  TimestampMs max_timestamp;
  LeaderEpoch leader_epoch = LeaderEpoch::none();
};
// The one at the start of `bytes`; more may follow.
Result<AnyBatch> check_any_batch(BytesView bytes);

// The batches of a log one after another. Those of magic 0 and 1 have no epoch, and of magic 2 that of brokers before
// Kafka 0.11 none either (-1): these fit everywhere.
class BatchOrder {
 public:
  // Offsets lie in [from, bound). `epochs`: the log's, where they are known; they outlive it.
  explicit BatchOrder(Offset from, Offset bound = Offset(std::numeric_limits<std::int64_t>::max()),
                      std::span<const EpochStart> epochs = {})
      : next_(from), bound_(bound), epochs_(epochs) {}

  [[nodiscard]] Status check_offsets(Offset base_offset, Offset last_offset) const;
  [[nodiscard]] Status check_epoch(LeaderEpoch epoch, Offset base_offset, Offset last_offset) const;
  // It is in its place: what follows is compared with it.
  void passed(LeaderEpoch epoch, Offset base_offset, Offset last_offset, std::uint64_t position = 0);
  // Of a batch that does not fit: it would, but for the one that passed last and left a gap before itself. A base offset that has
  // grown looks like that.
  [[nodiscard]] bool fits_before_last(Offset base_offset) const {
    return last_left_gap_ && base_offset >= next_before_last_ && base_offset < next_;
  }
  [[nodiscard]] std::uint64_t last_position() const { return last_position_; }
  // The batch that passed last is not to be compared with.
  void forget_last();
  // Nothing below `epoch` may follow.
  void set_least_epoch(LeaderEpoch epoch) { epoch_ = epoch; }

  [[nodiscard]] Offset next_offset() const { return next_; }

 private:
  Offset next_;
  const Offset bound_;
  LeaderEpoch epoch_ = LeaderEpoch::none();  // of the last batch that had one
  Offset next_before_last_;
  bool last_left_gap_ = false;
  std::uint64_t last_position_ = 0;
  const std::span<const EpochStart> epochs_;
};

}  // namespace millrace::log
