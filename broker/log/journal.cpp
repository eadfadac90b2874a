#include "broker/log/journal.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "broker/base/logging.h"
#include "broker/log/journal_metrics.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log"};
constexpr std::uint64_t group_bytes_max = std::uint64_t{4} << 20;  // unless one append is larger
constexpr std::size_t laggards_max = 4;                            // synced at the same time
constexpr Duration retry_delay = std::chrono::seconds(30);

}  // namespace

Journal::Journal(Host host, JournalSettings settings)
    : host_(std::move(host)),
      settings_{std::move(settings.path), settings.files, journal_whole_blocks(settings.file_bytes)} {}
Journal::~Journal() = default;

void Journal::show_in(std::unique_ptr<JournalMetrics> metrics) { metrics_ = std::move(metrics); }

void Journal::begin(JournalOwner owner, JournalSequence next_sequence) {
  std::lock_guard lock(mutex_);
  owner_ = std::move(owner);
  next_sequence_ = next_sequence;
  begun_ = true;
}

bool Journal::append(const std::shared_ptr<JournaledLog>& log, const JournalExtent& extent, BytesView batches) {
  const auto bytes =
      journal_group_header_bytes + journal_record_bytes(log->partition_of().topic.size(), batches.size());
  if (bytes > JournalSpace::capacity(settings_.file_bytes)) return false;
  return add(
      {log, JournalRecordKind::batches, extent, {batches.begin(), batches.end()}, UniqueFunction<void(Status)>()});
}

void Journal::cut(const std::shared_ptr<JournaledLog>& log, Offset offset, UniqueFunction<void(Status)> done) {
  auto& home = log->home();
  Pending record{log, JournalRecordKind::cut, {offset, offset, offset}, {}, std::move(done)};
  Status status = fail(ErrorKind::unavailable, "the journal of the log directory has failed");
  {
    std::lock_guard lock(mutex_);
    if (begun_ && !failed_ && !try_again_) {
      pending_.push_back(std::move(record));
      return wake();
    }
    if (begun_ && !failed_) status = {};  // there are no files
  }
  home.post([log, done = std::move(record.done), status = std::move(status)]() mutable { done(std::move(status)); });
}

void Journal::forget(const std::shared_ptr<JournaledLog>& log) {
  {
    std::lock_guard lock(mutex_);
    if (space_) space_->forget(log.get());
  }
  cut(log, Offset(0), [](const Status&) {});
}

bool Journal::add(Pending record) {
  std::lock_guard lock(mutex_);
  if (!begun_ || failed_ || settings_.files == 0) return false;
  if (try_again_ && host_.clock->now() < *try_again_) return false;
  try_again_.reset();
  pending_.push_back(std::move(record));
  wake();
  return true;
}

void Journal::wake() {
  if (writing_ || full_ || pending_.empty()) return;
  writing_ = true;
  host_.threads->submit([self = shared_from_this()] { self->write_next(); });
}

// How many of the records that wait fit into `room` together, and the bytes of their group.
std::size_t Journal::fitting(std::uint64_t room, std::uint64_t& bytes) const {
  bytes = journal_group_header_bytes;
  std::size_t count = 0;
  for (const auto& record : pending_) {
    const auto with_it = bytes + record.bytes();
    if (with_it > room || (count > 0 && with_it > group_bytes_max)) break;
    bytes = with_it;
    ++count;
  }
  return count;
}

// Under no lock. Either a group with its place, or a file that is to be begun first, or neither: somebody wakes the journal.
std::optional<Journal::Group> Journal::take_group(std::optional<std::size_t>& next_file, JournalSpace::Place& place) {
  std::lock_guard lock(mutex_);
  if (failed_ || pending_.empty()) {
    writing_ = false;
    return std::nullopt;
  }
  std::uint64_t bytes = 0;
  const auto count = fitting(space_->room(), bytes);
  if (count == 0) {
    next_file = space_->free_file();
    if (next_file) return std::nullopt;
    writing_ = false;
    full_ = true;
    if (metrics_) metrics_->waits_for_space();
    // They were asked to when their file was full, and may have been given more since.
    for (std::size_t file = 0; laggards_.empty() && laggards_in_work_ == 0 && file < settings_.files; ++file) {
      if (file != space_->current()) queue_laggards(file);
    }
    if (laggards_.empty() && laggards_in_work_ == 0) {
      full_ = false;  // the last one is done by now
      wake();
    }
    sync_laggards();
    return std::nullopt;
  }
  const auto end = pending_.begin() + static_cast<std::ptrdiff_t>(count);
  Group group(std::make_move_iterator(pending_.begin()), std::make_move_iterator(end));
  pending_.erase(pending_.begin(), end);
  place = space_->take(bytes);
  for (const auto& record : group) {
    if (record.kind == JournalRecordKind::batches) space_->note(record.log, record.extent.stay, record.extent.end);
  }
  return group;
}

void Journal::write_next() {
  {
    std::lock_guard lock(mutex_);
    if (failed_) {
      writing_ = false;
      return;
    }
  }
  if (!host_.is_online()) return give_up({ErrorKind::unavailable, "the log directory is offline"}, {});
  if (files_ == nullptr) {
    if (auto opened = open_files(); !opened) return;
  }
  std::optional<std::size_t> next_file;
  JournalSpace::Place place{};
  auto group = take_group(next_file, place);
  if (next_file) return change_files(*next_file);
  if (!group) return;
  const auto started = host_.clock->now();
  std::uint64_t bytes = 0;
  const auto records = group->size();
  if (auto written = write_group(*group, place, space_->needed_from(), bytes); !written)
    return give_up(written.error(), std::move(*group));
  if (metrics_) metrics_->group_written(records, bytes, host_.clock->now() - started);
  // Before the next group may be: who hears of its own record has heard of all before it.
  answer(std::move(*group), {});
  std::lock_guard lock(mutex_);
  writing_ = false;
  wake();
}

// A journal that there is no room for takes nothing offline: the logs can be synced one by one. A disk that fails is another matter.
Status Journal::open_files() {
  JournalOwner owner;
  JournalSequence next = 1;
  {
    std::lock_guard lock(mutex_);
    owner = owner_;
    next = next_sequence_;
  }
  auto opened = JournalFiles::open(*host_.files, settings_, owner, next, *host_.random);
  if (!opened && opened.error().kind == ErrorKind::io) {
    give_up(opened.error(), {});
    return tl::unexpected(opened.error());
  }
  Group refused;
  {
    std::lock_guard lock(mutex_);
    if (opened) {
      files_ = std::move(*opened);
      space_.emplace(settings_.files, settings_.file_bytes, next);
      return {};
    }
    writing_ = false;
    try_again_ = host_.clock->now() + retry_delay;
    refused.assign(std::make_move_iterator(pending_.begin()), std::make_move_iterator(pending_.end()));
    pending_.clear();
  }
  if (metrics_) metrics_->unusable();
  const auto error = fail(ErrorKind::unavailable, opened.error().message);
  if (host_.is_online()) {
    logger.error("the journal " + settings_.path + " cannot be made (" + std::to_string(settings_.files) +
                 " files of " + std::to_string(settings_.file_bytes) + " bytes): " + opened.error().message +
                 "; logs with flush.messages=1 are synced one by one meanwhile");
  }
  // What there is not, nothing can bring back.
  for (auto& record : refused) {
    if (record.kind == JournalRecordKind::cut) {
      Group one;
      one.push_back(std::move(record));
      answer(std::move(one), {});
    }
  }
  std::erase_if(refused, [](const auto& record) { return record.log == nullptr; });
  answer(std::move(refused), error);
  return error;
}

Status Journal::write_group(const Group& group, const JournalSpace::Place& place, JournalSequence needed_from,
                            std::uint64_t& bytes) {
  bytes = journal_group_header_bytes;
  for (const auto& record : group) bytes += record.bytes();
  const auto blocks = buffer_.of(journal_blocks(bytes));
  auto rest = blocks.subspan(journal_group_header_bytes);
  for (const auto& record : group) {
    const auto& extent = record.extent;
    encode_journal_record(rest,
                          {record.kind, record.log->partition_of(), record.log->topic_id_of(), extent.since,
                           extent.from, extent.end, extent.epoch, record.batches},
                          place.sequence);
    rest = rest.subspan(record.bytes());
  }
  std::ranges::fill(rest, std::uint8_t{0});
  encode_journal_group(blocks,
                       {files_->id(), place.sequence, needed_from, static_cast<std::int32_t>(group.size()), bytes});
  return files_->write(place.file, place.position, blocks);
}

// The header first, and synced: from then on nobody misses what the file had.
void Journal::change_files(std::size_t next_file) {
  JournalSequence needed_from = 0;
  std::size_t full = 0;
  {
    std::lock_guard lock(mutex_);
    needed_from = space_->needed_without(next_file);
    full = space_->current();
  }
  if (auto written = files_->write_header(next_file, needed_from); !written) return give_up(written.error(), {});
  std::lock_guard lock(mutex_);
  space_->begin(next_file, needed_from);
  if (metrics_) metrics_->show_files_in_use(space_->files_in_use());
  queue_laggards(full);
  sync_laggards();
  writing_ = false;
  wake();
}

void Journal::give_up(const Error& why, Group group) {
  {
    std::lock_guard lock(mutex_);
    failed_ = true;
    writing_ = false;
    group.insert(group.end(), std::make_move_iterator(pending_.begin()), std::make_move_iterator(pending_.end()));
    pending_.clear();
    laggards_.clear();
  }
  const Error error{why.kind, "the journal " + settings_.path + ": " + why.message};
  host_.has_failed(error);
  answer(std::move(group), tl::unexpected(error));
}

// One job for each shard, with what is of it in order.
void Journal::answer(Group group, const Status& status) {
  std::map<ShardId, Group> by_shard;
  for (auto& record : group) {
    record.batches.clear();
    by_shard[record.log->home().id()].push_back(std::move(record));
  }
  for (auto& [id, records] : by_shard) {
    auto& home = records.front().log->home();
    home.post([mine = std::move(records), status]() mutable {
      for (auto& record : mine) {
        if (record.kind == JournalRecordKind::cut) {
          record.done(status);
        } else {
          record.log->journaled(record.extent.stay, record.extent.end, status);
        }
      }
    });
  }
}

void Journal::queue_laggards(std::size_t file) {
  for (auto& laggard : space_->laggards(file)) laggards_.insert(std::move(laggard));
}

void Journal::sync_laggards() {
  while (laggards_in_work_ < laggards_max && !laggards_.empty()) {
    ++laggards_in_work_;
    auto laggard = std::move(laggards_.extract(laggards_.begin()).value());
    auto& home = laggard.log->home();
    home.post([self = shared_from_this(), laggard = std::move(laggard)] {
      laggard.log->sync_segments(laggard.stay, [self](const Status& status) { self->laggard_synced(status); });
    });
  }
}

// A log that cannot be synced keeps its part of the journal for ever.
void Journal::laggard_synced(const Status& status) {
  const bool lost = !status && status.error().kind != ErrorKind::unavailable;
  if (lost) {
    host_.has_failed({status.error().kind, "the journal " + settings_.path +
                                               " keeps what cannot be synced to a segment: " + status.error().message});
  }
  std::lock_guard lock(mutex_);
  --laggards_in_work_;
  sync_laggards();
  if (metrics_ && space_ && laggards_in_work_ == 0) metrics_->show_files_in_use(space_->files_in_use());
  if (!std::exchange(full_, false)) return;
  wake();
}

Status Journal::empty() {
  std::lock_guard lock(mutex_);
  if (files_ == nullptr) return {};
  if (failed_) return fail(ErrorKind::io, "the journal " + settings_.path + " has failed");
  return files_->write_headers(space_->next_sequence());
}

void Journal::abandon() {
  std::deque<Pending> dropped;
  std::set<JournalSpace::Laggard> laggards;
  std::lock_guard lock(mutex_);
  failed_ = true;
  dropped.swap(pending_);
  laggards.swap(laggards_);
}

}  // namespace millrace::log
