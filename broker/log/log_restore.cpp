#include "broker/log/log_restore.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "broker/base/logging.h"
#include "broker/log/log_directory.h"
#include "broker/log/offset_index.h"
#include "broker/log/time_index.h"
#include "broker/protocol/record_batch.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log"};
constexpr std::int64_t max_segment_span = std::numeric_limits<std::int32_t>::max();

class Restorer {
 public:
  static constexpr Offset unbounded{std::numeric_limits<std::int64_t>::max()};

  Restorer(const RestoreRequest& request, SegmentList& segments, std::size_t number, Offset end, Offset bound)
      : request_(request), segments_(segments), number_(number), bound_(bound) {
    done_.first_segment = number;
    done_.end = end;
  }

  Result<Restored> run() {
    for (const auto& record : request_.journal.of(request_.partition)) {
      // Another topic of the same name.
      if (record.topic_id != request_.topic_id && !record.topic_id.is_zero()) continue;
      if (std::min(record.end, record.void_from) <= done_.end) continue;
      if (record.from >= bound_ || stale_) break;
      // The segments never had what is before: nothing of this was confirmed.
      if (record.since > done_.end && !segments_.empty()) continue;
      if (auto taken = take(record); !taken) return tl::unexpected(taken.error());
    }
    return done_;
  }

 private:
  Status take(const JournalReplay::Record& record) {
    auto bytes = request_.journal.batches(record);
    if (!bytes) return tl::unexpected(bytes.error());
    auto follows = record.from;
    for (BytesView rest(*bytes); !rest.empty();) {
      auto batch = protocol::parse_batch(rest);
      if (!batch)
        return fail(ErrorKind::corrupt, name() + ": the journal has what is no batch: " + batch.error().message);
      rest = rest.subspan(batch->bytes.size());
      const auto& header = batch->header;
      if (header.last_offset() >= std::min(record.void_from, bound_)) return {};
      const auto before = std::exchange(follows, header.next_offset());
      if (header.last_offset() < done_.end) continue;
      if (before > done_.end || header.base_offset < done_.end) return does_not_fit(before, header);
      if (request_.epochs.epoch_for(header.base_offset) > header.partition_leader_epoch) return pass_over(header);
      if (auto written = write(*batch); !written) return written;
    }
    return {};
  }

  // Who leads in a newer epoch has written there since, with a broker that knows of no journal.
  Status pass_over(const protocol::BatchHeader& header) {
    stale_ = true;
    logger.warning(name() + ": the journal's records from offset " + std::to_string(header.base_offset.value()) +
                   " on are of leader epoch " + std::to_string(header.partition_leader_epoch.value()) +
                   ", which has ended there since; they are passed over");
    return {};
  }

  Status does_not_fit(Offset before, const protocol::BatchHeader& header) const {
    const auto why = name() + " ends at offset " + std::to_string(done_.end.value()) +
                     ", and the journal of its log directory goes on with the batch at " +
                     std::to_string(header.base_offset.value()) + " behind offset " + std::to_string(before.value());
    request_.journal.refuse(why);
    return fail(ErrorKind::corrupt, why);
  }

  Status write(const protocol::Batch& batch) {
    if (auto ready = make_room(batch); !ready) return ready;
    auto file = segments_[number_]->log_file()->open();
    if (!file) return tl::unexpected(file.error());
    auto size = (*file)->size_bytes();
    if (!size) return tl::unexpected(size.error());
    if (auto written = (*file)->write_at(*size, batch.bytes); !written) return written;
    ++done_.batches;
    done_.size_bytes += batch.bytes.size();
    done_.end = batch.header.next_offset();
    return {};
  }

  // As an append rolls, but for time.
  Status make_room(const protocol::Batch& batch) {
    if (!segments_.empty()) {
      if (bound_ != unbounded) return {};
      const auto& segment = *segments_[number_];
      auto size = segment.log_file()->open().and_then([](const auto& file) { return file->size_bytes(); });
      if (!size) return tl::unexpected(size.error());
      const auto& config = request_.config;
      const auto entries = *size / static_cast<std::uint64_t>(std::max(config.index_interval_bytes, 1)) + 1;
      const bool index_fits = entries < static_cast<std::uint64_t>(config.segment_index_bytes) /
                                            std::max<std::uint64_t>(OffsetIndex::entry_bytes, TimeIndex::entry_bytes);
      const bool fits = *size + batch.bytes.size() <= static_cast<std::uint64_t>(config.segment_bytes) &&
                        batch.header.last_offset() - segment.base_offset() <= max_segment_span && index_fits;
      if (fits || *size == 0) return {};
    }
    auto made = request_.make_segment(batch.header.base_offset);
    if (!made) return tl::unexpected(made.error());
    segments_.add(std::move(*made));
    number_ = segments_.size() - 1;
    return {};
  }

  [[nodiscard]] std::string name() const { return "the log of " + partition_directory_name(request_.partition); }

  const RestoreRequest& request_;
  SegmentList& segments_;
  std::size_t number_;
  const Offset bound_;
  Restored done_;
  bool stale_ = false;
};

}  // namespace

Result<Restored> restore_end(const RestoreRequest& request, SegmentList& segments, Offset end) {
  const auto last = segments.empty() ? 0 : segments.size() - 1;
  return Restorer(request, segments, last, end, Restorer::unbounded).run();
}

Result<Restored> restore_gap(const RestoreRequest& request, SegmentList& segments, std::size_t number, Offset end) {
  return Restorer(request, segments, number, end, segments[number + 1]->base_offset()).run();
}

}  // namespace millrace::log
