#include "broker/log/journal_recovery.h"

#include <utility>

#include "broker/base/logging.h"
#include "broker/log/checkpoint_file.h"
#include "broker/log/journal_replay.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log"};

}  // namespace

bool JournalRecovery::has_records() const {
  const auto& asked = load_.request;
  return asked.journal != nullptr && !asked.journal->of(asked.partition).empty();
}

Result<Restored> JournalRecovery::restore_end(Offset end) {
  return note(
      request().and_then([&](const RestoreRequest& made) { return log::restore_end(made, load_.log.segments, end); }));
}

Result<Restored> JournalRecovery::restore_gap(std::size_t number, Offset end) {
  return note(request().and_then(
      [&](const RestoreRequest& made) { return log::restore_gap(made, load_.log.segments, number, end); }));
}

Result<RestoreRequest> JournalRecovery::request() {
  const auto& asked = load_.request;
  auto epochs = read_epoch_checkpoint(load_.files(), asked.directory + "/" + std::string(leader_epoch_checkpoint_name));
  if (!epochs && epochs.error().kind != ErrorKind::corrupt) return tl::unexpected(epochs.error());
  auto make_segment = [this](Offset base) -> Result<std::unique_ptr<LogSegment>> {
    auto segment = load_.segment_at(base);
    if (auto made = segment->create(load_.request.config); !made) return tl::unexpected(made.error());
    return segment;
  };
  return RestoreRequest{*asked.journal,     asked.partition,
                        load_.log.topic_id, LeaderEpochCache(epochs ? *epochs : std::vector<EpochStart>{}),
                        asked.config,       std::move(make_segment)};
}

Result<Restored> JournalRecovery::note(Result<Restored> restored) {
  if (!restored || restored->batches == 0) return restored;
  logger.info(load_.request.directory + ": the journal gives back " + std::to_string(restored->batches) +
              " batches with " + std::to_string(restored->size_bytes) + " bytes, up to offset " +
              std::to_string(restored->end.value()));
  load_.log.report.restored_batches += restored->batches;
  return restored;
}

}  // namespace millrace::log
