#include "broker/log/compaction_input.h"

#include <vector>

namespace millrace::log {

CompactionCandidate compaction_candidate(const LoadedLog& log, Offset last_stable, std::optional<Offset> cleaned_to,
                                         TimestampMs now) {
  std::vector<CandidateSegment> segments;
  segments.reserve(log.segments.size());
  for (const auto& segment : log.segments) {
    segments.push_back({segment->base_offset(), segment->size_bytes(), segment->largest_timestamp(),
                        segment->first_batch_timestamp()});
  }
  return compaction_candidate({.segments = segments,
                               .log_start = log.log_start,
                               .log_end = log.log_end,
                               .last_stable = last_stable,
                               .cleaned_to = cleaned_to},
                              log.config, now);
}

CompactionInput compaction_input(const LoadedLog& log, const CompactionCandidate& candidate, TimestampMs now) {
  CompactionInput input{.directory = log.directory,
                        .config = log.config,
                        .segments = {},
                        .first_dirty = candidate.first_dirty,
                        .first_uncleanable = candidate.first_uncleanable,
                        .producers = {},
                        .epochs = log.epochs.entries(),
                        .now = now};
  for (const auto& segment : log.segments)
    input.segments.push_back(
        {segment->view(), segment->index_bytes(), segment->time_index_bytes(), segment->modified()});
  for (const auto& entry : log.producers.entries()) {
    LastProducerRecord last{.last_data_offset = {}, .epoch = entry.epoch};
    if (!entry.batches.empty()) last.last_data_offset = entry.last_offset();
    input.producers.emplace(entry.id, last);
  }
  return input;
}

}  // namespace millrace::log
