#include "broker/log/compaction.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "broker/base/check.h"
#include "broker/base/logging.h"
#include "broker/log/log_directory.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log.cleaner"};
constexpr std::string_view cleaned_suffix = ".cleaned";
constexpr std::uint64_t step_bytes = std::uint64_t{1} << 20;
constexpr std::int64_t max_segment_span = std::numeric_limits<std::int32_t>::max();

// What a pass that was interrupted may have left behind.
Status remove_files(FileSystem& files, const std::string& directory, Offset base_offset) {
  for (auto suffix : {log_suffix, offset_index_suffix, time_index_suffix, transaction_index_suffix}) {
    auto path = directory + "/" + segment_file_name(base_offset, suffix);
    auto removed = files.remove(path.append(cleaned_suffix));
    if (!removed && removed.error().kind != ErrorKind::not_found) return removed;
  }
  return {};
}

LogConfig without_preallocation(LogConfig config) {
  config.preallocate = false;
  return config;
}

}  // namespace

std::vector<std::size_t> group_sizes(std::span<const CompactionSegment> segments, const LogConfig& config,
                                     Offset first_uncleanable) {
  const auto log_limit = static_cast<std::uint64_t>(config.segment_bytes);
  const auto index_limit = static_cast<std::uint64_t>(config.segment_index_bytes);
  std::vector<std::size_t> sizes;
  for (std::size_t begin = 0; begin < segments.size();) {
    std::uint64_t log_bytes = segments[begin].view.size_bytes;
    std::uint64_t index_bytes = segments[begin].index_bytes;
    std::uint64_t time_index_bytes = segments[begin].time_index_bytes;
    auto end = begin + 1;
    for (; end < segments.size(); ++end) {
      const auto& next = segments[end];
      log_bytes += next.view.size_bytes;
      index_bytes += next.index_bytes;
      time_index_bytes += next.time_index_bytes;
      if (log_bytes > log_limit || index_bytes > index_limit || time_index_bytes > index_limit) break;
      // An estimate of its last offset that is never too low. An empty segment has none.
      const Offset last =
          (end + 1 < segments.size() ? segments[end + 1].view.base_offset : first_uncleanable) - std::int64_t{1};
      if (next.view.size_bytes > 0 && last - segments[begin].view.base_offset > max_segment_span) break;
    }
    sizes.push_back(end - begin);
    begin = end;
  }
  return sizes;
}

Compaction::Compaction(FileCache& cache, CompactionInput input, KeyOffsetMap& keys, std::size_t io_bytes)
    : cache_(cache),
      input_(std::move(input)),
      keys_(keys),
      io_bytes_(io_bytes),
      end_offset_(input_.first_dirty),
      filter_(keys_, transactions_, input_.producers),
      filter_settings_{.round_end = input_.first_uncleanable,
                       .now = input_.now,
                       .delete_retention_ms = input_.config.delete_retention_ms},
      legacy_delete_horizon_(0) {
  MILLRACE_INVARIANT(!input_.segments.empty() && input_.first_uncleanable <= input_.segments.back().view.base_offset,
                     "the active segment is never compacted");
  segment_ = first_segment_at(input_.first_dirty);
  keys_.clear();
}

// The number of the segment that holds `offset`, or of the first one.
std::size_t Compaction::first_segment_at(Offset offset) const {
  const auto above = std::ranges::upper_bound(
      input_.segments, offset, {}, [](const CompactionSegment& segment) { return segment.view.base_offset; });
  return above == input_.segments.begin() ? 0 : static_cast<std::size_t>(above - input_.segments.begin()) - 1;
}

Offset Compaction::end_of(std::size_t number) const { return input_.segments[number + 1].view.base_offset; }

tl::unexpected<Error> Compaction::in_segment(const Error& error) const {
  if (error.kind != ErrorKind::corrupt && error.kind != ErrorKind::resource_exhausted) return tl::unexpected(error);
  return fail(error.kind, input_.segments[segment_].view.log_file->path() + ": " + error.message);
}

Result<std::vector<AbortedTransaction>> Compaction::aborted_in(Offset from, Offset bound) const {
  std::vector<AbortedTransaction> found;
  // The markers of transactions with records here may lie in later segments, up to the active one.
  for (auto number = first_segment_at(from); number < input_.segments.size(); ++number) {
    auto complete = input_.segments[number].view.transactions.collect(from, bound, found);
    if (!complete) return tl::unexpected(complete.error());
    if (*complete) break;
  }
  return found;
}

Status Compaction::open_feed(std::size_t number, Offset from) {
  const auto& view = input_.segments[number].view;
  auto file = view.log_file->open();
  if (!file) return tl::unexpected(file.error());
  std::uint64_t position = 0;
  if (from > view.base_offset) {
    auto entry = view.offset_index.lookup(from);
    if (!entry) return tl::unexpected(entry.error());
    auto trusted = view.trusted_position(**file, *entry);
    if (!trusted) return tl::unexpected(trusted.error());
    position = trusted->value_or(0);
  }
  segment_ = number;
  feed_ = std::make_unique<BatchFeed>(std::move(*file), position, view.size_bytes, view.base_offset, end_of(number),
                                      input_.epochs, io_bytes_);
  return {};
}

Result<Compaction::Step> Compaction::step() {
  if (mapping_) return step_map();
  if (cleaned_ == nullptr) {
    if (groups_.empty()) return Step::finished;
    if (auto begun = begin_group(); !begun) return tl::unexpected(begun.error());
    return Step::more;
  }
  return step_group();
}

Status Compaction::begin_map() {
  auto aborted = aborted_in(input_.first_dirty, input_.first_uncleanable);
  if (!aborted) return tl::unexpected(aborted.error());
  map_transactions_.add_aborted(*aborted);
  return open_feed(segment_, input_.first_dirty);
}

Result<Compaction::Step> Compaction::step_map() {
  if (feed_ == nullptr) {
    if (input_.first_dirty >= input_.first_uncleanable) {
      mapping_ = false;
      return Step::finished;
    }
    if (auto begun = begin_map(); !begun) return tl::unexpected(begun.error());
  }
  const auto limit = statistics_.mapped_bytes + step_bytes;
  while (statistics_.mapped_bytes < limit) {
    auto batch = feed_->next();
    if (!batch) return tl::unexpected(batch.error());
    if (!*batch) {
      // The offsets between the last batch and the next segment are gone: they have been looked at.
      keys_.set_latest_offset(end_of(segment_) - 1);
      if (end_of(segment_) >= input_.first_uncleanable) break;
      if (auto opened = open_feed(segment_ + 1, input_.first_dirty); !opened) return tl::unexpected(opened.error());
      continue;
    }
    auto all = map_keys(**batch, input_.first_dirty, map_transactions_, keys_);
    if (!all) return in_segment(all.error());
    if (!*all) return end_map().map([] { return Step::more; });
    statistics_.mapped_bytes += (*batch)->bytes.size();
  }
  if (keys_.latest_offset() + 1 < input_.first_uncleanable) return Step::more;
  return end_map().map([] { return Step::more; });
}

Status Compaction::end_map() {
  mapping_ = false;
  feed_.reset();
  statistics_.mapped_keys = keys_.size();
  statistics_.map_utilization = keys_.utilization();
  end_offset_ = keys_.latest_offset() + 1;
  std::size_t copied = 0;
  while (copied + 1 < input_.segments.size() && input_.segments[copied].view.base_offset < end_offset_) ++copied;
  groups_ = group_sizes(std::span(input_.segments).first(copied), input_.config, input_.first_uncleanable);
  std::ranges::reverse(groups_);
  // Until when tombstones of magic 0 and 1 stay is told by the age of what was compacted last.
  for (const auto& segment : input_.segments) {
    if (segment.view.base_offset < input_.first_dirty)
      legacy_delete_horizon_ = segment.modified - input_.config.delete_retention_ms;
  }
  return {};
}

Status Compaction::begin_group() {
  group_begin_ = group_end_;
  group_end_ += groups_.back();
  groups_.pop_back();
  const Offset base_offset = input_.segments[group_begin_].view.base_offset;
  if (auto removed = remove_files(cache_.file_system(), input_.directory, base_offset); !removed) return removed;
  const auto config = without_preallocation(input_.config);
  cleaned_ = std::make_unique<LogSegment>(cache_, input_.directory, base_offset, config,
                                          input_.segments[group_end_ - 1].modified, cleaned_suffix);
  return cleaned_->create(config).and_then([&] { return begin_segment(group_begin_); });
}

Status Compaction::begin_segment(std::size_t number) {
  const auto& segment = input_.segments[number];
  auto aborted = aborted_in(segment.view.base_offset, end_of(number));
  if (!aborted) return tl::unexpected(aborted.error());
  transactions_.add_aborted(*aborted);
  filter_settings_.keeps_legacy_tombstones = segment.modified > legacy_delete_horizon_;
  return open_feed(number, segment.view.base_offset);
}

Result<Compaction::Step> Compaction::step_group() {
  MILLRACE_INVARIANT(feed_ != nullptr, "a finished group is taken before the next step");
  const auto limit = statistics_.read_bytes + step_bytes;
  while (statistics_.read_bytes < limit) {
    auto batch = feed_->next();
    if (!batch) return tl::unexpected(batch.error());
    if (*batch) {
      if (auto copied = copy(**batch); !copied) return tl::unexpected(copied.error());
      continue;
    }
    if (segment_ + 1 == group_end_) return end_group().map([] { return Step::group; });
    if (auto begun = begin_segment(segment_ + 1); !begun) return tl::unexpected(begun.error());
  }
  return Step::more;
}

Status Compaction::copy(const AnyBatch& batch) {
  auto filtered = filter_.filter(batch, filter_settings_);
  if (!filtered) return in_segment(filtered.error());
  statistics_.read_bytes += batch.bytes.size();
  statistics_.read_records += filtered->records_read;
  statistics_.written_records += filtered->records_kept;
  statistics_.records_without_key += filtered->records_without_key;
  if (filtered->fate == BatchFate::dropped) return {};
  const auto bytes = filtered->fate == BatchFate::kept ? batch.bytes : BytesView(filtered->rewritten);
  if (!cleaned_->can_hold_offset(filtered->last_offset) ||
      cleaned_->size_bytes() + output_.size() + bytes.size() > static_cast<std::uint64_t>(max_segment_span)) {
    return fail(ErrorKind::corrupt, input_.segments[segment_].view.log_file->path() + ": the batch up to offset " +
                                        std::to_string(filtered->last_offset.value()) +
                                        " does not fit into a segment that starts at " +
                                        std::to_string(cleaned_->base_offset().value()));
  }
  if (output_.size() + bytes.size() > io_bytes_) {
    if (auto written = write_out(); !written) return written;
  }
  output_batches_.push_back(
      {static_cast<std::uint32_t>(output_.size()), filtered->last_offset, filtered->max_timestamp});
  output_.insert(output_.end(), bytes.begin(), bytes.end());
  return {};
}

Status Compaction::write_out() {
  if (output_.empty()) return {};
  const SegmentAppend append{output_, output_batches_, input_.segments[group_end_ - 1].modified};
  auto written = cleaned_->append(append, input_.config.index_interval_bytes);
  statistics_.written_bytes += output_.size();
  output_.clear();
  output_batches_.clear();
  return written;
}

// They are in the order of the markers that were met, unless an index says wrongly where its transactions end.
Status Compaction::write_transactions() {
  Offset least(0);
  for (const auto& transaction : transactions_.take_kept()) {
    if (transaction.last_offset < least) {
      return fail(ErrorKind::corrupt,
                  input_.directory + ": of two aborted transactions the one whose marker comes later ends at offset " +
                      std::to_string(transaction.last_offset.value()) + " by its index, and the other one at " +
                      std::to_string((least - 1).value()));
    }
    least = transaction.last_offset + 1;
    if (auto appended = cleaned_->transaction_index().append(transaction); !appended) return appended;
  }
  return {};
}

// On disk for good, but for the names: those are synced when the segment is put into the log.
Status Compaction::end_group() {
  feed_.reset();
  if (auto written = write_out(); !written) return written;
  output_ = {};  // a large batch may have made it larger than it is to be
  if (auto written = write_transactions(); !written) return written;
  if (auto sealed = cleaned_->seal(); !sealed) return sealed;
  cleaned_->forget_indexes();
  for (const auto& file : cleaned_->files()) {
    if (file == cleaned_->transaction_index().file() && cleaned_->transaction_index().empty()) continue;
    auto opened = file->open();
    if (!opened) return tl::unexpected(opened.error());
    // Kafka, and an older format's tombstones, go by when the newest record was written.
    auto synced =
        (*opened)->sync().and_then([&] { return (*opened)->set_modified(input_.segments[group_end_ - 1].modified); });
    if (!synced) return synced;
  }
  return {};
}

CleanedGroup Compaction::take_group() {
  MILLRACE_INVARIANT(cleaned_ != nullptr && feed_ == nullptr, "a group is taken when it is finished");
  return {std::move(cleaned_), input_.segments[group_begin_].view.base_offset, end_of(group_end_ - 1)};
}

void Compaction::abandon() {
  feed_.reset();
  cleaned_.reset();
  if (group_end_ == 0) return;
  const Offset base_offset = input_.segments[group_begin_].view.base_offset;
  auto removed = remove_files(cache_.file_system(), input_.directory, base_offset);
  if (!removed) logger.warning(removed.error().message + "; it is removed when the log is next loaded");
}

}  // namespace millrace::log
