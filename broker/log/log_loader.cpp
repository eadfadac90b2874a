#include "broker/log/log_loader.h"

#include <algorithm>
#include <utility>

#include "broker/base/logging.h"
#include "broker/log/batch_scanner.h"
#include "broker/log/damage.h"
#include "broker/log/epoch_recovery.h"
#include "broker/log/index_ends.h"
#include "broker/log/journal_recovery.h"
#include "broker/log/load_context.h"
#include "broker/log/log_directory.h"
#include "broker/log/log_recovery.h"
#include "broker/log/partition_metadata_file.h"
#include "broker/log/producer_recovery.h"
#include "broker/log/segment_files.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log"};
constexpr std::size_t read_ahead_bytes = 64 * 1024;

std::unique_ptr<LoadedLog> make_log(const LoadRequest& request, const LogEnvironment& environment) {
  const auto name = partition_directory_name(request.partition);
  const auto& options = environment.options;
  auto log = std::make_unique<LoadedLog>(
      request.partition, request.directory, request.config,
      ProducerState(name, options.producer_id_expiration_ms, options.max_producers_per_partition));
  log->report.clean = request.clean;
  log->damage = std::make_shared<LogDamage>(name, environment.damage);
  return log;
}

// The index of the active segment, if there is one, that knows more than the log has.
std::shared_ptr<CachedFile> index_beyond(const LogSegment& active, Offset log_end) {
  const auto& offsets = active.offset_index();
  if (offsets.entries() > 0 && offsets.last_offset() >= log_end) return offsets.file();
  const auto& transactions = active.transaction_index();
  return !transactions.empty() && transactions.last().last_offset >= log_end ? transactions.file() : nullptr;
}

class Loader {
 public:
  Loader(const LoadRequest& request, LogEnvironment& environment)
      : request_(request), log_(make_log(request, environment)), load_{request, environment, *log_} {}

  Result<std::unique_ptr<LoadedLog>> load() {
    auto done = load_topic_id()
                    .and_then([&] { return open_segments(); })
                    .and_then([&] { return recovery_.recover_from(first_unflushed_); })
                    .and_then([&] { return find_end(); })
                    .and_then([&] { return epochs_.load(); })
                    .and_then([&] { return producers_.load(); })
                    .and_then([&] { return sync_unflushed(); });
    if (!done) return tl::unexpected(done.error());
    for (const auto& segment : log_->segments) {
      if (segment != log_->segments.back()) segment->forget_indexes();
    }
    log_->segments.active().set_roll_jitter_ms(roll_jitter_ms(request_.config, load_.environment.random));
    return std::move(log_);
  }

 private:
  Status load_topic_id() {
    auto id = read_partition_metadata(load_.files(), request_.directory);
    if (!id) return tl::unexpected(id.error());
    log_->topic_id = id->value_or(TopicId{});
    return {};
  }

  // Opens every segment. Those that an unclean stop may have damaged are left to the recovery.
  Status open_segments() {
    auto found = tidy_segment_files(load_.files(), request_.directory);
    if (!found) return tl::unexpected(found.error());
    load_.found = std::move(*found);
    const auto& bases = load_.found.segments;
    for (auto base : bases) log_->segments.add(load_.segment_at(base));
    first_unflushed_ = bases.size();
    if (!request_.clean) {
      const auto above = std::ranges::upper_bound(bases, request_.recovery_point);
      first_unflushed_ = above == bases.begin() ? 0 : static_cast<std::size_t>(above - bases.begin()) - 1;
    }
    // A segment that is cut takes those behind it along.
    for (std::size_t number = 0; number < std::min(first_unflushed_, log_->segments.size()); ++number) {
      auto loaded = log_->segments[number]->load();
      if (loaded && ends_at_recovery_point(number)) {
        loaded = check_index_ends(load_.files(), request_.directory, *log_->segments[number], request_.recovery_point,
                                  request_.config.index_interval_bytes);
      }
      if (loaded) continue;
      if (loaded.error().kind != ErrorKind::corrupt && loaded.error().kind != ErrorKind::not_found) return loaded;
      logger.warning(loaded.error().message + "; the indexes of this segment are built anew");
      if (auto rebuilt = recovery_.rebuild_indexes(number); !rebuilt) return rebuilt;
    }
    return {};
  }

  // Its records were synced, and it may have been sealed, or its indexes built anew, after that.
  [[nodiscard]] bool ends_at_recovery_point(std::size_t number) const {
    const auto& bases = load_.found.segments;
    return !request_.clean && number + 1 < bases.size() && bases[number + 1] == request_.recovery_point;
  }

  Status find_end() {
    log_->log_start = request_.log_start;
    if (!log_->segments.empty()) {
      log_->log_start = std::max(log_->log_start, log_->segments.front()->base_offset());
      if (auto found = read_end(); !found) return found;
      if (log_->log_end < log_->log_start) {
        logger.warning(request_.directory + " ends at offset " + std::to_string(log_->log_end.value()) +
                       ", below its log start " + std::to_string(log_->log_start.value()) +
                       ": its segments hold nothing that may be read and are removed");
        if (auto dropped = recovery_.drop_from(0); !dropped) return tl::unexpected(dropped.error());
      }
    }
    const bool is_new = log_->segments.empty();
    if (is_new) {
      if (auto begun = begin_log(); !begun) return begun;
    }
    const auto& active = log_->segments.active();
    const bool is_resident = is_new || recovery_.last_recovered() == &active;
    log_->resident_from_position = is_resident ? 0 : active.size_bytes();
    log_->recovery_point = request_.clean ? log_->log_end : std::min(request_.recovery_point, log_->log_end);
    log_->high_watermark = std::clamp(request_.high_watermark, log_->log_start, log_->log_end);
    return {};
  }

  // The first segment of a log that has none.
  Status begin_log() {
    log_->segments.add(load_.segment_at(log_->log_start));
    log_->log_end = log_->log_start;
    auto made = log_->segments.back()->create(request_.config);
    // From now on its name tells where the log starts, and no checkpoint does.
    if (made && log_->log_start > Offset(0)) made = load_.files().sync_directory(request_.directory);
    return made;
  }

  // Where the last segment's batches end. One that was not scanned must end exactly where its file does.
  Status read_end() {
    auto& active = *log_->segments.back();
    for (bool again = true;; again = false) {
      auto view = active.view();
      auto entry = view.offset_index.lookup(active.offset_index().last_offset());
      if (!entry) return tl::unexpected(entry.error());
      auto file = view.log_file->open();
      if (!file) return tl::unexpected(file.error());
      log_->log_end = active.base_offset();
      BatchScanner scanner(**file, entry->position, view.size_bytes, read_ahead_bytes);
      Result<bool> more = scanner.next();
      for (; more && *more; more = scanner.next()) {
        log_->log_end = scanner.batch().last_offset + 1;
        epochs_.saw_last({scanner.batch().leader_epoch, scanner.batch().base_offset});
      }
      const bool whole = more && scanner.next_position() == view.size_bytes;
      const auto beyond = index_beyond(active, log_->log_end);
      if (whole && beyond == nullptr) return {};
      if (!more && more.error().kind != ErrorKind::corrupt) return tl::unexpected(more.error());
      const auto what =
          whole ? beyond->path() + " goes beyond the end of its log, offset " + std::to_string(log_->log_end.value())
                : active.log_file()->path() + " does not end with a whole batch at position " +
                      std::to_string(scanner.next_position()) + " of " + std::to_string(view.size_bytes);
      if (!again) return fail(ErrorKind::corrupt, what);
      logger.warning(what + " after a clean stop; the segment is checked");
      if (auto recovered = recovery_.recover(log_->segments.size() - 1); !recovered) return recovered;
    }
  }

  // What a log with flush.messages=1 has was confirmed, and the journal is about to forget it.
  Status sync_unflushed() {
    const bool was_confirmed = journal_.has_records() || request_.config.flush_messages == 1;
    if (request_.clean || !was_confirmed || log_->recovery_point == log_->log_end) return {};
    for (auto number = std::min(first_unflushed_, log_->segments.size() - 1); number < log_->segments.size();
         ++number) {
      auto& segment = *log_->segments[number];
      auto synced = segment.write_pending_index_entries()
                        .and_then([&] { return segment.log_file()->open(); })
                        .and_then([](const auto& file) { return file->sync(); })
                        .and_then([&] { return sync_indexes(load_.files(), request_.directory, segment); });
      if (!synced) return synced;
    }
    log_->recovery_point = log_->log_end;
    return {};
  }

  const LoadRequest& request_;
  std::unique_ptr<LoadedLog> log_;
  LoadContext load_;
  EpochRecovery epochs_{load_};
  ProducerRecovery producers_{load_};
  JournalRecovery journal_{load_};
  LogRecovery recovery_{load_, epochs_, producers_, journal_};
  std::size_t first_unflushed_ = 0;
};

}  // namespace

std::int64_t roll_jitter_ms(const LogConfig& config, Random& random) {
  auto bound = std::min(config.segment_jitter_ms, config.segment_ms);
  return bound <= 0 ? 0 : static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(bound)));
}

Result<std::unique_ptr<LoadedLog>> load_log(const LoadRequest& request, LogEnvironment& environment) {
  return Loader(request, environment).load();
}

Result<std::unique_ptr<LoadedLog>> create_log(const TopicPartition& partition, const TopicId& topic_id,
                                              const std::string& directory, const LogConfig& config,
                                              LogEnvironment& environment) {
  auto& files = environment.files;
  if (auto made = files.create_directories(directory); !made) return tl::unexpected(made.error());
  if (!topic_id.is_zero()) {
    if (auto written = write_partition_metadata(files, directory, topic_id); !written)
      return tl::unexpected(written.error());
  }
  auto log = load_log({.partition = partition, .directory = directory, .config = config, .clean = true}, environment);
  if (!log) return log;
  auto parent = directory.substr(0, directory.rfind('/'));
  auto synced = files.sync_directory(directory).and_then([&] { return files.sync_directory(parent); });
  if (!synced) return tl::unexpected(synced.error());
  return log;
}

}  // namespace millrace::log
