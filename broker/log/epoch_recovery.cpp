#include "broker/log/epoch_recovery.h"

#include <limits>
#include <utility>

#include "broker/base/logging.h"
#include "broker/log/checkpoint_file.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log"};
constexpr Offset no_end{std::numeric_limits<std::int64_t>::max()};
constexpr std::size_t read_ahead_bytes = 64 * 1024;

}  // namespace

void EpochRecovery::saw(const ScannedBatch& batch) {
  if (batch.leader_epoch > latest_seen()) seen_.push_back({batch.leader_epoch, batch.base_offset});
}

Status EpochRecovery::load() {
  auto& log = load_.log;
  const auto path = load_.request.directory + "/" + std::string(leader_epoch_checkpoint_name);
  auto entries = read_or_rebuild(path);
  if (!entries) return tl::unexpected(entries.error());
  if (auto whole = complete(*entries); !whole) return whole;
  log.epochs = LeaderEpochCache(*entries);
  for (const auto& seen : seen_) {
    if (seen.epoch > log.epochs.latest()) log.epochs_changed |= log.epochs.assign(seen.epoch, seen.start_offset);
  }
  const bool truncated = log.epochs.truncate_from_end(log.log_end);
  // As Kafka does: by the checkpoint, not by the first segment, which retention may have left since.
  log.epochs_changed |= log.epochs.truncate_from_start(load_.request.log_start);
  // The epoch at which a log without records ends is mostly the one in which it is led again: its file may wait for
  // another one.
  const bool may_wait =
      log.log_start == log.log_end && entries->size() == 1 && entries->front().start_offset == log.log_end;
  if (log.epochs_changed || (truncated && !may_wait)) {
    if (auto written = write_epoch_checkpoint(load_.files(), path, log.epochs.entries()); !written) return written;
    entries = log.epochs.entries();
  }
  log.epochs_changed = truncated;
  log.stored_epochs = std::move(*entries);
  return {};
}

// The entries of the file; none, with the epochs of all batches seen, when it cannot be believed.
Result<std::vector<EpochStart>> EpochRecovery::read_or_rebuild(const std::string& path) {
  auto& log = load_.log;
  auto entries = read_epoch_checkpoint(load_.files(), path);
  if (!entries && entries.error().kind != ErrorKind::corrupt) return entries;
  // A log with records has epochs: without any the file is gone.
  const bool lost = entries && entries->empty() && log.log_end > log.segments.front()->base_offset();
  const auto contradiction = entries && !lost ? contradiction_of(*entries) : std::nullopt;
  if (entries && !lost && !contradiction) return entries;
  const auto why = lost            ? path + " has no epochs"
                   : contradiction ? path + " has epoch " + *contradiction
                                   : entries.error().message;
  if (auto scanned = scan(no_end); !scanned) return tl::unexpected(scanned.error());
  // Messages of magic 0 and 1 have none.
  if (!lost || !seen_.empty()) logger.warning(why + "; it is built anew from the batches");
  log.epochs_changed = true;
  return std::vector<EpochStart>{};
}

// Of the file and the batches that were read: which epochs they have at the same offset. A newer epoch may have come to
// its file too late.
std::optional<std::string> EpochRecovery::contradiction_of(const std::vector<EpochStart>& entries) const {
  const LeaderEpochCache stored(entries);
  auto seen = seen_;
  seen.push_back(last_);
  for (const auto& [epoch, offset] : seen) {
    const auto of_file = stored.epoch_for(offset);
    const bool may_be_missing = !load_.request.clean && epoch > stored.latest();
    if (epoch < LeaderEpoch(0) || of_file == LeaderEpoch::none() || epoch == of_file || may_be_missing) continue;
    return std::to_string(of_file.value()) + " at offset " + std::to_string(offset.value()) + ", where the batch has " +
           std::to_string(epoch.value());
  }
  return std::nullopt;
}

// The epochs of the first records go when the log's start moves on, and a crash may bring those records back.
Status EpochRecovery::complete(std::vector<EpochStart>& entries) {
  auto& log = load_.log;
  if (entries.empty() || log.log_end == log.log_start || entries.front().start_offset <= log.log_start) return {};
  auto recovered = std::exchange(seen_, {});
  auto scanned = scan(entries.front().start_offset);
  auto below = std::exchange(seen_, std::move(recovered));
  // Messages of formats 0 and 1 have none.
  if (!scanned || below.empty()) return scanned;
  for (const auto& known : entries) {
    if (known.epoch > below.back().epoch) below.push_back(known);
  }
  entries = std::move(below);
  log.epochs_changed = true;
  return {};
}

// Sees the batches below `end` anew.
Status EpochRecovery::scan(Offset end) {
  seen_.clear();
  for (const auto& segment : load_.log.segments) {
    if (segment->base_offset() >= end) break;
    auto file = segment->log_file()->open();
    if (!file) return tl::unexpected(file.error());
    BatchScanner scanner(**file, 0, segment->size_bytes(), read_ahead_bytes);
    auto more = scanner.next();
    for (; more && *more; more = scanner.next()) {
      const auto& batch = scanner.batch();
      if (end != no_end && batch.leader_epoch == LeaderEpoch::none()) return {};
      if (batch.base_offset < segment->base_offset())
        return fail(ErrorKind::corrupt, segment->log_file()->path() + ": at position " +
                                            std::to_string(batch.position) + " a batch has offset " +
                                            std::to_string(batch.base_offset.value()) + ", below the segment's");
      if (batch.base_offset >= end) return {};
      saw(batch);
    }
    if (!more) return tl::unexpected(more.error());
  }
  return {};
}

}  // namespace millrace::log
