// The segments of a log, by base offset.
//
// Invariants: base offsets strictly increase; once a log is loaded there is at least one segment, and the last one is the only
// one that is written to. Owned by who loads the log, then by its shard. No I/O: segments that are taken out are the
// caller's, files and all (segment_removal.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "broker/base/types.h"
#include "broker/log/log_segment.h"

namespace millrace::log {

class SegmentList {
 public:
  using Segments = std::vector<std::unique_ptr<LogSegment>>;

  [[nodiscard]] bool empty() const { return segments_.empty(); }
  [[nodiscard]] std::size_t size() const { return segments_.size(); }
  [[nodiscard]] const std::unique_ptr<LogSegment>& operator[](std::size_t number) const { return segments_[number]; }
  [[nodiscard]] const std::unique_ptr<LogSegment>& front() const { return segments_.front(); }
  [[nodiscard]] const std::unique_ptr<LogSegment>& back() const { return segments_.back(); }
  [[nodiscard]] LogSegment& active() const { return *segments_.back(); }
  [[nodiscard]] Segments::const_iterator begin() const { return segments_.begin(); }
  [[nodiscard]] Segments::const_iterator end() const { return segments_.end(); }

  // The segment that holds `offset`, the last one that starts below it or, when all start above it, the first.
  [[nodiscard]] std::size_t number_of(Offset offset) const;
  // The one that starts there; size() without one.
  [[nodiscard]] std::size_t number_at(Offset base_offset) const;
  // What another thread needs to read them.
  [[nodiscard]] std::vector<SegmentView> views() const;
  // Of the log files. Counts anew.
  [[nodiscard]] std::uint64_t size_bytes() const;

  void add(std::unique_ptr<LogSegment> segment);  // behind the last one
  Segments take_front(std::size_t count);
  Segments take_from(std::size_t number);  // it and all behind it
  // Those whose base offset is in [first, end), with `by` in their place, which starts there too. `by` may be null.
  Segments replace(Offset first, Offset end, std::unique_ptr<LogSegment> by);

 private:
  Segments take(Segments::iterator first, Segments::iterator last);

  Segments segments_;
};

}  // namespace millrace::log
