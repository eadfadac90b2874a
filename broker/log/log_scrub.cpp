// What the scrubber asks of a log, and what is known of a log's damage.
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/log/partition_log_state.h"
#include "broker/log/segment_scrub.h"

namespace millrace::log {

std::optional<SegmentToScrub> PartitionLog::State::segment_to_scrub(Offset from) const {
  if (stopped || offline) return std::nullopt;
  const auto number = segment_number(from);
  if (number + 1 >= log->segments.size()) return std::nullopt;
  const auto& segment = *log->segments[number];
  const bool complete = !log->config.compacted && !log->cleaned_to && log->log_start <= segment.base_offset();
  return SegmentToScrub{segment.view(), log->segments[number + 1]->base_offset(),
                        std::make_shared<const std::vector<EpochStart>>(log->epochs.entries()), complete};
}

// What was cut, replaced or removed meanwhile may have looked damaged to who read it. Whether it will have been, while changes are
// under way, nobody knows yet.
bool PartitionLog::State::scrubbed(const SegmentToScrub& segment, const std::vector<ScrubFinding>& findings) {
  if (findings.empty() || stopped || offline || !has(segment.view)) return true;
  if (holding()) return false;
  for (const auto& finding : findings) {
    if (finding.is_batch) {
      log->damage->found_batch(FoundBy::scrub, segment.view.base_offset, finding.what);
    } else {
      log->damage->found_index_entry(FoundBy::scrub, segment.view.base_offset, finding.what);
    }
  }
  return true;
}

// A read of a segment that is still the log's: what it says of damage is true.
void PartitionLog::State::read_damage(const SegmentView& view, const Error& error) {
  if (error.kind == ErrorKind::corrupt && !holding())
    log->damage->found_batch(FoundBy::fetch, view.base_offset, error.message);
}

// The same for index entries.
void PartitionLog::State::tell_doubts(const SegmentView& view) {
  if (holding()) return;
  for (const auto& what : std::exchange(*view.doubts, {}))
    log->damage->found_index_entry(FoundBy::fetch, view.base_offset, what);
}

std::optional<SegmentToScrub> PartitionLog::segment_to_scrub(Offset from) const {
  return state_->segment_to_scrub(from);
}
bool PartitionLog::scrubbed(const SegmentToScrub& segment, const std::vector<ScrubFinding>& findings) {
  return state_->scrubbed(segment, findings);
}
bool PartitionLog::is_damaged() const { return state_->log->damage->damaged(); }
LogDamage& PartitionLog::damage() const { return *state_->log->damage; }

}  // namespace millrace::log
