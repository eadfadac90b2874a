#include "broker/log/log_segment.h"

#include <limits>
#include <utility>

#include "broker/base/check.h"
#include "broker/base/logging.h"
#include "broker/log/log_directory.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log"};

// How far ahead of its end a growing log file has its blocks: not yet while it is small, an eighth of what it has, so that many logs do not
// hold much that they may never use, and no more than saves anything.
constexpr std::uint64_t reserving_from_bytes = std::uint64_t{8} << 20;
constexpr std::uint64_t reserved_share = 8;
constexpr std::uint64_t most_reserved_bytes = std::uint64_t{16} << 20;

std::shared_ptr<CachedFile> file_of(FileCache& cache, const std::string& directory, Offset base_offset,
                                    std::string_view kind, std::string_view suffix) {
  return std::make_shared<CachedFile>(cache,
                                      directory + "/" + segment_file_name(base_offset, kind) + std::string(suffix));
}

}  // namespace

LogSegment::LogSegment(FileCache& cache, const std::string& directory, Offset base_offset, const LogConfig& config,
                       TimestampMs now, std::string_view suffix)
    : base_offset_(base_offset),
      log_file_(file_of(cache, directory, base_offset, log_suffix, suffix)),
      offset_index_(base_offset, file_of(cache, directory, base_offset, offset_index_suffix, suffix),
                    static_cast<std::size_t>(config.segment_index_bytes)),
      time_index_(base_offset, file_of(cache, directory, base_offset, time_index_suffix, suffix),
                  static_cast<std::size_t>(config.segment_index_bytes)),
      transaction_index_(base_offset, file_of(cache, directory, base_offset, transaction_index_suffix, suffix)),
      modified_(now),
      created_(now) {}

Status LogSegment::create(const LogConfig& config) {
  auto file = log_file_->open(OpenMode::read_write_or_create);
  if (!file) return tl::unexpected(file.error());
  if (auto emptied = (*file)->truncate(0); !emptied) return emptied;
  if (config.preallocate) {
    if (auto reserved = preallocate(**file, static_cast<std::uint64_t>(config.segment_bytes)); !reserved)
      return reserved;
  }
  return offset_index_.create().and_then([&] { return time_index_.create(); }).and_then([&] {
    return transaction_index_.reset();
  });
}

// Without the room for all of it the segment has none of it: it takes records for as long as there is room for them, as Kafka's does.
Status LogSegment::preallocate(File& file, std::uint64_t size_bytes) {
  auto reserved = file.preallocate(size_bytes);
  if (reserved) {
    reserved_bytes_ = size_bytes;
    return {};
  }
  if (reserved.error().kind != ErrorKind::no_space) return reserved;
  logger.warning(reserved.error().message + "; the segment begins without (preallocate)");
  return file.truncate(0);
}

Status LogSegment::load() {
  auto file = log_file_->open();
  if (!file) return tl::unexpected(file.error());
  auto status = (*file)->status();
  if (!status) return tl::unexpected(status.error());
  size_bytes_ = status->size_bytes;
  modified_ = status->modified;
  if (auto loaded = offset_index_.load(size_bytes_); !loaded) return loaded;
  if (auto loaded = time_index_.load(); !loaded) return loaded;
  if (auto loaded = transaction_index_.load(); !loaded) return loaded;
  last_indexed_ = offset_index_.last_position();
  if (time_index_.entries() > 0) max_timestamp_ = {time_index_.last().timestamp, time_index_.last().offset};
  if (auto loaded = load_first_timestamp(**file); !loaded) return loaded;
  if (time_index_.entries() == 0 && first_timestamp_ && *first_timestamp_ >= TimestampMs(0)) {
    return fail(ErrorKind::corrupt,
                time_index_.file()->path() + " is empty, but the segment's records have timestamps");
  }
  return {};
}

Status LogSegment::load_first_timestamp(const File& file) {
  BatchScanner scanner(file, 0, size_bytes_, protocol::batch_header_bytes);
  auto found = scanner.next();
  if (!found) return tl::unexpected(found.error());
  if (*found) first_timestamp_ = scanner.batch().max_timestamp;
  return {};
}

Status LogSegment::take_cut(const SegmentCut& cut) {
  auto file = log_file_->open();
  if (!file) return tl::unexpected(file.error());
  auto done = (*file)
                  ->truncate(cut.size_bytes)
                  .and_then([&] { return (*file)->sync(); })
                  .and_then([&] { return offset_index_.cut(cut.offset_entries); })
                  .and_then([&] { return time_index_.cut(cut.time_entries); })
                  .and_then([&] { return offset_index_.load(cut.size_bytes); })
                  .and_then([&] { return time_index_.load(); })
                  .and_then([&] { return transaction_index_.load(); })
                  .and_then([&] { return transaction_index_.truncate_to(cut.end); });
  if (!done) return done;
  set_recovered(cut.size_bytes, {cut.max_timestamp, cut.max_timestamp_offset}, cut.first_timestamp);
  return {};
}

Status LogSegment::append(const SegmentAppend& batches, std::int32_t index_interval_bytes) {
  MILLRACE_INVARIANT(!broken_ && can_hold_offset(batches.last_offset()), "a segment is written that cannot take more");
  auto file = log_file_->open();
  if (!file) return tl::unexpected(file.error());
  reserve_ahead(**file, size_bytes_ + batches.bytes.size());
  if (auto written = (*file)->write_at(size_bytes_, batches.bytes); !written) {
    auto cut = (*file)->truncate(size_bytes_);
    broken_ = !cut;
    reserved_bytes_ = 0;
    // Refused because the directory has gone offline: that was said.
    if (!cut && cut.error().kind != ErrorKind::unavailable)
      logger.error(cut.error().message + "; " + log_file_->path() + " takes no more appends until it is recovered");
    return written;
  }
  if (size_bytes_ == 0) first_timestamp_ = batches.batches.front().max_timestamp;
  for (const auto& batch : batches.batches) {
    const auto position = size_bytes_ + batch.position;
    if (batch.max_timestamp > max_timestamp_.timestamp) max_timestamp_ = {batch.max_timestamp, batch.last_offset};
    if (position - last_indexed_ <= static_cast<std::uint64_t>(index_interval_bytes)) continue;
    offset_index_.append(batch.last_offset, static_cast<std::uint32_t>(position));
    time_index_.maybe_append(max_timestamp_.timestamp, max_timestamp_.offset);
    last_indexed_ = position;
  }
  modified_ = batches.now;
  size_bytes_ += batches.bytes.size();
  return {};
}

Status LogSegment::seal() {
  if (max_timestamp_.timestamp != TimestampMs::none())
    time_index_.append_last(max_timestamp_.timestamp, max_timestamp_.offset);
  return offset_index_.trim().and_then([&] { return time_index_.trim(); }).and_then([&] { return give_back(); });
}

// For an append that ends there.
void LogSegment::reserve_ahead(File& file, std::uint64_t end) {
  if (end <= std::max(reserved_bytes_, unreserved_until_) || end < reserving_from_bytes) return;
  const auto until = end + std::min(end / reserved_share, most_reserved_bytes);
  (file.reserve(size_bytes_, until - size_bytes_) ? reserved_bytes_ : unreserved_until_) = until;
}

// What was reserved behind the file's end is the volume's again. The file was not written to: who goes by its time must not think so.
Status LogSegment::give_back() {
  if (std::exchange(reserved_bytes_, 0) <= size_bytes_ || broken_) return {};
  return log_file_->open().and_then([&](const auto& file) {
    return file->truncate(size_bytes_).and_then([&] { return file->set_modified(modified_); });
  });
}

void LogSegment::forget_indexes() {
  offset_index_.forget();
  time_index_.forget();
}

Status LogSegment::write_pending_index_entries() {
  return offset_index_.write_pending().and_then([&] { return time_index_.write_pending(); });
}

Status LogSegment::change_suffix(std::string_view from, std::string_view to) {
  for (const auto& file : files()) {
    auto path = file->path();
    if (!path.ends_with(from) || (!to.empty() && path.ends_with(to))) continue;
    path.resize(path.size() - from.size());
    auto renamed = file->rename(path.append(to));
    if (!renamed && renamed.error().kind != ErrorKind::not_found) return renamed;
  }
  return {};
}

void LogSegment::moved_to(const std::string& directory) {
  for (const auto& file : files()) {
    const auto path = file->path();
    file->moved_to(directory + path.substr(path.rfind('/')));
    file->forget();  // an open one would be named by its old path
  }
}

std::vector<std::shared_ptr<CachedFile>> LogSegment::files() const {
  return {log_file_, offset_index_.file(), time_index_.file(), transaction_index_.file()};
}

bool LogSegment::can_hold_offset(Offset offset) const {
  auto relative = offset - base_offset_;
  return relative >= 0 && relative <= std::numeric_limits<std::int32_t>::max();
}

std::int64_t LogSegment::waited_ms(TimestampMs now, TimestampMs record_timestamp) const {
  if (first_timestamp_ && *first_timestamp_ >= TimestampMs(0)) return record_timestamp - *first_timestamp_;
  return now - created_;
}

SegmentView LogSegment::view() const {
  return {base_offset_, log_file_, size_bytes_, offset_index_.view(), time_index_.view(), transaction_index_.view()};
}

void LogSegment::set_recovered(std::uint64_t size_bytes, MaxTimestamp max_timestamp,
                               std::optional<TimestampMs> first_timestamp) {
  size_bytes_ = size_bytes;
  last_indexed_ = offset_index_.last_position();
  max_timestamp_ = max_timestamp;
  first_timestamp_ = first_timestamp;
}

}  // namespace millrace::log
