#include <algorithm>
#include <utility>

#include "broker/log/partition_log_state.h"

namespace millrace::log {

// Whether the bytes from `position` of a segment on were written most recently.
bool PartitionLog::State::is_resident(std::size_t number, std::uint64_t position) const {
  const auto& segment = *log->segments[number];
  if (segment.base_offset() < resident_segment_) return false;
  if (segment.base_offset() == resident_segment_ && position < resident_position_) return false;
  std::uint64_t behind = segment.size_bytes() - position;
  for (auto later = number + 1; later < log->segments.size() && behind <= environment->options.tail_window_bytes;
       ++later) {
    behind += log->segments[later]->size_bytes();
  }
  return behind <= environment->options.tail_window_bytes;
}

SegmentView PartitionLog::State::view_of(const LogSegment& segment) const {
  auto view = segment.view();
  view.doubts = std::make_shared<std::vector<std::string>>();
  return view;
}

bool PartitionLog::State::has(const SegmentView& view) const {
  const auto number = log->segments.number_at(view.base_offset);
  return number < log->segments.size() && log->segments[number]->log_file() == view.log_file;
}

std::optional<PartitionLog::State::Located> PartitionLog::State::locate_hot(std::size_t number, Offset offset) const {
  const auto& segment = *log->segments[number];
  if (const auto* batch = tail_.find(offset); batch != nullptr && batch->segment == segment.base_offset()) {
    return Located{batch->position, batch->size_bytes};
  }
  auto entry = segment.offset_index().lookup_in_memory(offset);
  if (!entry || !is_resident(number, entry->position)) return std::nullopt;
  auto found = segment.view().find_batch_from(entry->position, offset);
  if (!found || !*found) return std::nullopt;
  return Located{(*found)->position, (*found)->size_bytes};
}

FetchData PartitionLog::State::slice(std::size_t number, std::shared_ptr<const File> file, const Located& first,
                                     std::uint64_t end_position, const ReadRequest& request) const {
  FetchData data{{}, 0, log->log_start, log->log_end, false, {}};
  if (end_position <= first.position) return data;
  auto wanted = request.min_one_message ? std::max(request.max_bytes, first.size_bytes) : request.max_bytes;
  auto length = std::min(wanted, end_position - first.position);
  if (length == 0) return data;
  data.records = {std::move(file), first.position, length};
  data.first_batch_bytes = first.size_bytes;
  data.resident = is_resident(number, first.position);
  return data;
}

void PartitionLog::State::read(const ReadRequest& request, Offset segment_from, ReadCompletion done) {
  if (reads_wait_) {
    held_reads_.emplace_back([self_alive = self.shared_from_this(), this, request, done = std::move(done)]() mutable {
      read(request, request.offset, std::move(done));
    });
    return;
  }
  if (auto refused = unreadable()) return done(tl::unexpected(std::move(*refused)));
  if (request.offset < log->log_start || request.offset > log->log_end) {
    return done(tl::unexpected(read_error(ReadErrorKind::offset_out_of_range,
                                          "offset " + std::to_string(request.offset.value()) + " of " + name +
                                              " is not in [" + std::to_string(log->log_start.value()) + ", " +
                                              std::to_string(log->log_end.value()) + "]")));
  }
  const auto bound = std::min(request.upper_bound, log->log_end);
  const auto number = segment_number(segment_from);
  if (request.offset >= bound || log->segments[number]->base_offset() >= bound) {
    return done(FetchData{{}, 0, log->log_start, log->log_end, false, {}});
  }
  auto found = find_hot(request, number, bound);
  if (!found) found = find_cached(request, number);
  if (!found) return read_cold(request, number, std::move(done));
  answer_read(number, slice(number, std::move(found->file), *found->first, found->end_position, request), request,
              std::move(done));
}

std::optional<PartitionLog::State::FoundRecords> PartitionLog::State::find_hot(const ReadRequest& request,
                                                                               std::size_t number, Offset bound) const {
  const auto& segment = *log->segments[number];
  auto file = segment.log_file()->if_open();
  if (file == nullptr) return std::nullopt;
  auto first = locate_hot(number, request.offset);
  if (!first) return std::nullopt;
  const bool bound_is_inside =
      bound < log->log_end && (number + 1 == log->segments.size() || bound < log->segments[number + 1]->base_offset());
  if (!bound_is_inside) return FoundRecords{std::move(file), first, segment.size_bytes()};
  auto at_bound = locate_hot(number, bound);
  if (!at_bound) return std::nullopt;
  return FoundRecords{std::move(file), first, at_bound->position};
}

std::optional<PartitionLog::State::FoundRecords> PartitionLog::State::find_cached(const ReadRequest& request,
                                                                                  std::size_t number) const {
  const auto view = view_of(*log->segments[number]);
  PageCacheReads reads;
  auto found = find_records(view, request, &reads);
  if (!found || !found->first || !view.doubts->empty()) return std::nullopt;
  return std::move(*found);
}

Result<PartitionLog::State::FoundRecords> PartitionLog::State::find_records(const SegmentView& view,
                                                                            const ReadRequest& request,
                                                                            PageCacheReads* only) {
  auto file = open_for(only, *view.log_file);
  if (!file) return tl::unexpected(file.error());
  auto first = view.find_batch(request.offset, only);
  if (!first) return tl::unexpected(first.error());
  if (!*first) return FoundRecords{*file, std::nullopt, 0};
  const Located located{(*first)->position, (*first)->size_bytes};
  auto at_bound = view.find_batch(request.upper_bound, only);
  // Damage further on is named when a reader has come to it.
  if (!at_bound && at_bound.error().kind == ErrorKind::corrupt)
    return FoundRecords{*file, located, (*first)->end_position()};
  if (!at_bound) return tl::unexpected(at_bound.error());
  return FoundRecords{*file, located, *at_bound ? (*at_bound)->position : view.size_bytes};
}

// The same through the pool: index, batch headers and, should it have been closed, the file's opening may need the disk.
void PartitionLog::State::read_cold(const ReadRequest& request, std::size_t number, ReadCompletion done) {
  const auto view = view_of(*log->segments[number]);
  auto find = [view, request] { return find_records(view, request, nullptr); };
  auto answer = [this, request, view](Result<FoundRecords> found, ReadCompletion completion) {
    // A stopped log's directory may have gone, and another log's of that name have come.
    if (auto refused = unreadable()) return completion(tl::unexpected(std::move(*refused)));
    // Retention may have taken the segment away meanwhile.
    if (request.offset < log->log_start) return read(request, request.offset, std::move(completion));
    // Compaction may have put another segment in its place, with more behind it, and without the transactions of what it dropped.
    if (reads_wait_ || !has(view)) return read(request, request.offset, std::move(completion));
    tell_doubts(view);
    if (!found) {
      read_damage(view, found.error());
      return completion(tl::unexpected(read_error(ReadErrorKind::storage, found.error().message)));
    }
    const auto here = segment_number(view.base_offset);
    if (!found->first) {
      // Compaction has taken what was at the end of this segment: the next one has the answer.
      if (here + 1 < log->segments.size())
        return read(request, log->segments[here + 1]->base_offset(), std::move(completion));
      return completion(FetchData{{}, 0, log->log_start, log->log_end, false, {}});
    }
    answer_read(here, slice(here, std::move(found->file), *found->first, found->end_position, request), request,
                std::move(completion));
  };
  shard.pool().submit([self_alive = self.shared_from_this(), this, find = std::move(find), answer = std::move(answer),
                       done = std::move(done)]() mutable {
    auto found = find();
    auto& home = shard;
    home.post([self_alive = std::move(self_alive), found = std::move(found), answer = std::move(answer),
               done = std::move(done)]() mutable { answer(std::move(found), std::move(done)); });
  });
}

// In the first segment whose largest timestamp is large enough, and no other: as Kafka's UnifiedLog.fetchOffsetByTimestamp, which
// finds nothing where only a batch without records, or one below the log's start, has that timestamp. By the workers: batches are
// decompressed to find the record.
void PartitionLog::State::find_timestamp(TimestampMs timestamp, Offset segment_from, TimestampCompletion done) {
  if (reads_wait_) {
    held_reads_.emplace_back(
        [self_alive = self.shared_from_this(), this, timestamp, segment_from, done = std::move(done)]() mutable {
          find_timestamp(timestamp, std::min(segment_from, log->log_end), std::move(done));
        });
    return;
  }
  auto number = segment_number(segment_from);
  while (number < log->segments.size() && log->segments[number]->max_timestamp().timestamp < timestamp) ++number;
  if (number == log->segments.size()) return done(TimestampOffset{});
  shard.workers().submit([self_alive = self.shared_from_this(), this, timestamp, view = view_of(*log->segments[number]),
                          from = log->log_start, done = std::move(done)]() mutable {
    auto found = view.find_timestamp(timestamp, from);
    auto& home = shard;
    home.post([self_alive = std::move(self_alive), this, timestamp, view, base = view.base_offset,
               found = std::move(found), done = std::move(done)]() mutable {
      if (auto refused = unreadable()) return done(tl::unexpected(std::move(*refused)));
      if (reads_wait_ || !has(view)) return find_timestamp(timestamp, std::max(base, log->log_start), std::move(done));
      tell_doubts(view);
      if (!found) {
        read_damage(view, found.error());
        return done(tl::unexpected(read_error(ReadErrorKind::storage, found.error().message)));
      }
      done(found->value_or(TimestampOffset{}));
    });
  });
}

void PartitionLog::State::find_max_timestamp(TimestampCompletion done) {
  if (reads_wait_) {
    held_reads_.emplace_back([self_alive = self.shared_from_this(), this, done = std::move(done)]() mutable {
      find_max_timestamp(std::move(done));
    });
    return;
  }
  auto largest = std::ranges::max_element(log->segments, {},
                                          [](const auto& segment) { return segment->max_timestamp().timestamp; });
  const auto max_timestamp = (*largest)->max_timestamp();
  if (max_timestamp.timestamp == TimestampMs::none()) return done(TimestampOffset{});
  shard.workers().submit([self_alive = self.shared_from_this(), this, max_timestamp, view = view_of(**largest),
                          done = std::move(done)]() mutable {
    auto found = view.find_max_timestamp(max_timestamp.timestamp, max_timestamp.offset);
    auto& home = shard;
    home.post(
        [self_alive = std::move(self_alive), this, view, found = std::move(found), done = std::move(done)]() mutable {
          if (auto refused = unreadable()) return done(tl::unexpected(std::move(*refused)));
          if (reads_wait_ || !has(view)) return find_max_timestamp(std::move(done));
          tell_doubts(view);
          if (!found) {
            read_damage(view, found.error());
            return done(tl::unexpected(read_error(ReadErrorKind::storage, found.error().message)));
          }
          done(found->value_or(TimestampOffset{}));
        });
  });
}

}  // namespace millrace::log
