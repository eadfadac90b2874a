#include <algorithm>
#include <utility>

#include "broker/base/logging.h"
#include "broker/log/partition_log_state.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log"};

}  // namespace

// Without its entry an aborted transaction would be read as if it were committed: after a failure nothing passes the marker, no
// high watermark and no recovery point, and the next start builds the index anew.
void PartitionLog::State::index_transaction(const CompletedTransaction& completed) {
  auto& index = active().transaction_index();
  if (index.entries() == 0) directory_dirty_ = true;
  auto added =
      index.append({completed.producer, completed.first_offset, completed.last_offset, completed.last_stable_offset});
  if (added) return;
  failure = sync_failure_ = added.error().message;
  if (disk_is_online()) logger.error(name + " takes no more appends until it is recovered: " + *failure);
}

// The markers of transactions that have records in a segment may lie in later ones. A reader at the end of the log, behind the last
// marker of an aborted transaction, costs no look into a file.
void PartitionLog::State::answer_read(std::size_t number, FetchData data, const ReadRequest& request,
                                      ReadCompletion done) {
  if (!request.read_committed || data.records.length_bytes == 0) return done(std::move(data));
  const auto farthest = number + 1 < log->segments.size() ? log->segments[number + 1]->base_offset() : log->log_end;
  std::vector<TransactionIndexView> indexes;
  for (auto at = number; at < log->segments.size(); ++at) {
    const auto& index = log->segments[at]->transaction_index();
    if (index.empty() || index.last().last_offset < request.offset) continue;
    indexes.push_back(index.view());
    if (index.last().last_stable_offset >= farthest) break;
  }
  if (indexes.empty()) return done(std::move(data));
  auto collect = [indexes = std::move(indexes), offsets = log->segments[number]->offset_index().view(), farthest,
                  from = request.offset, end = data.records.position + data.records.length_bytes](
                     PageCacheReads* only) -> Result<std::vector<AbortedTransaction>> {
    auto behind = offsets.first_from(end, only);
    if (!behind) return tl::unexpected(behind.error());
    const auto bound = *behind ? (*behind)->offset : farthest;
    std::vector<AbortedTransaction> aborted;
    for (const auto& index : indexes) {
      auto complete = index.collect(from, bound, aborted, only);
      if (!complete) return tl::unexpected(complete.error());
      if (*complete) break;
    }
    return aborted;
  };
  PageCacheReads reads;
  if (auto aborted = collect(&reads)) {
    data.aborted = std::move(*aborted);
    return done(std::move(data));
  }
  shard.pool().submit([self_alive = self.shared_from_this(), this, collect = std::move(collect), data = std::move(data),
                       request, cuts = cuts_, done = std::move(done)]() mutable {
    auto aborted = collect(nullptr);
    auto& home = shard;
    home.post([self_alive = std::move(self_alive), this, aborted = std::move(aborted), data = std::move(data), request,
               cuts, done = std::move(done)]() mutable {
      if (auto refused = unreadable()) return done(tl::unexpected(std::move(*refused)));
      if (cuts != cuts_) return read(request, request.offset, std::move(done));
      if (!aborted) return done(tl::unexpected(read_error(ReadErrorKind::storage, aborted.error().message)));
      data.aborted = std::move(*aborted);
      done(std::move(data));
    });
  });
}

}  // namespace millrace::log
