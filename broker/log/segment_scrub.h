// Reads one closed segment from end to end and says what is wrong in it: batches (segment_check.h), entries of its indexes
// (index_check.h). Behind a bad batch it goes on with the next sound one, which the bad one's length or the offset index leads to.
// Nothing is changed.
//
// In steps, so that who runs it can be slow, stop, or forget it. Reads beside the page cache. Blocks; one thread. A segment that is
// cut, replaced or removed meanwhile may look damaged: who asked compares with the log afterwards. Errors: those of the files.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/file.h"
#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/log/index_check.h"
#include "broker/log/segment_check.h"
#include "broker/log/segment_view.h"

namespace millrace::log {

struct SegmentToScrub {
  SegmentView view;
  Offset end;  // where the next segment starts
  // Of the log's leaders; nullptr: not known.
  std::shared_ptr<const std::vector<EpochStart>> epochs;
  bool complete = true;  // no records were taken out of it by compaction, nor lie below the log's start
};

struct ScrubFinding {
  bool is_batch = true;  // else an entry of an index
  std::string what;      // with the file, the position and the offset
};

class SegmentScrub {
 public:
  // That are told of batches, and as many of entries.
  static constexpr std::size_t most_findings = 1000;

  explicit SegmentScrub(SegmentToScrub segment);

  // Reads about so many bytes more. False: that was all. After an error no more.
  Result<bool> step(std::uint64_t bytes);
  [[nodiscard]] const std::vector<ScrubFinding>& findings() const { return findings_; }
  [[nodiscard]] std::uint64_t read_bytes() const;  // so far
  [[nodiscard]] const SegmentToScrub& segment() const { return segment_; }

 private:
  Status begin();
  Status check_next();
  Status take(const ScannedBatch& batch);
  Status pass_on();
  Status misplaced(const ScannedBatch& batch, const Error& why);
  Status step_over(const Error& why);
  Status step_to(std::uint64_t position);
  Status close_hole(Offset end);
  // Where the next sound batch begins behind a bad one; the end when none is found.
  Result<std::uint64_t> next_sound();
  Result<std::uint64_t> next_sound_of_index(std::uint64_t position);
  Result<bool> is_sound(std::uint64_t position);
  Status finish();
  void found_batch(std::uint64_t position, const std::string& why);
  void found_index_entry(const std::string& what);

  const SegmentToScrub segment_;
  std::shared_ptr<File> file_;
  std::unique_ptr<FileChunks> chunks_;
  BatchOrder order_;
  std::uint64_t position_ = 0;
  std::optional<ScannedBatch> taken_;  // the last one
  std::optional<Offset> hole_from_{};  // no batch is known from this offset on, up to the next one that is taken
  LeaderEpoch wrong_epoch_ = LeaderEpoch::none();  // that was told last
  OffsetIndexCheck offset_index_;
  TimeIndexCheck time_index_;
  TransactionIndexCheck transaction_index_;
  std::vector<ScrubFinding> findings_;
  std::size_t index_findings_ = 0;  // of them
};

}  // namespace millrace::log
