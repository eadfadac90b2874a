// The transaction coordinators of one shard: one for each partition of `__transaction_state` that this broker leads and
// the shard owns. It loads them when a term begins, runs their timers and carries out what they want: answers, appends,
// markers, producer ids.
//
// A term of a partition has a coordinator of its own: what comes back from an earlier term finds nobody. Calls for a
// partition that is not here are answered as by a coordinator that is none (NOT_COORDINATOR, or what is wrong with the
// request itself). A partition whose log cannot be read is not served: COORDINATOR_NOT_AVAILABLE, until it is led anew.
//
// Owned by the shard: every method is called in its tasks, but for the constructor and the destructor, which run while it does not.
// Source: kafka.coordinator.transaction.TransactionStateManager (load, unload, startup's timers).
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "broker/base/clock.h"
#include "broker/base/shard.h"
#include "broker/base/types.h"
#include "broker/base/unique_function.h"
#include "broker/coordinator/internal_partition.h"
#include "broker/coordinator/marker_sender.h"
#include "broker/coordinator/transaction_actions.h"
#include "broker/coordinator/transaction_coordinator.h"
#include "broker/protocol/error_code.h"

namespace millrace::coordinator {

struct TransactionTableConfig {
  TransactionConfig coordinator;
  // transaction.abort.timed.out.transaction.cleanup.interval.ms
  Duration abort_interval = std::chrono::seconds(10);
  // transaction.remove.expired.transaction.cleanup.interval.ms
  Duration expiry_interval = std::chrono::hours(1);
};

class TransactionTable {
 public:
  using IdReply = UniqueFunction<void(tl::expected<ProducerId, protocol::ErrorCode>)>;

  // All of it outlives the table.
  struct Environment {
    Shard& shard;
    const PartitionLeaders& leaders;
    MarkerSender& markers;
    // A producer id that nobody has had; answered once, on the shard.
    std::function<void(IdReply)> next_producer_id;
  };

  // Makes the call of a coordinator, by its number.
  using Invoke =
      UniqueFunction<TransactionActions(TransactionCoordinator& coordinator, TransactionCall call, TimestampMs now)>;
  using Answer = UniqueFunction<void(const TransactionAnswer&)>;

  TransactionTable(Environment environment, const TransactionTableConfig& config);
  ~TransactionTable();
  TransactionTable(const TransactionTable&) = delete;
  TransactionTable& operator=(const TransactionTable&) = delete;

  // A term begins: the partition is read from its start to its end, and served from then on.
  void on_leading(PartitionIndex partition, std::shared_ptr<InternalPartition> log);
  // It has ended; who waits is answered with NOT_COORDINATOR.
  void on_resigned(PartitionIndex partition);
  // The broker stops: all terms end, and none begins any more.
  void unload_all();

  // `answer` runs once, on this shard, perhaps before call returns.
  void call(PartitionIndex partition, Invoke invoke, Answer answer);
  // For questions that are answered at once: visit(coordinator). Errors: COORDINATOR_NOT_AVAILABLE.
  template <class Visit>
  auto ask(PartitionIndex partition, Visit visit)
      -> tl::expected<decltype(visit(std::declval<const TransactionCoordinator&>())), protocol::ErrorCode> {
    const auto* coordinator = find(partition);
    if (coordinator == nullptr) return tl::unexpected(protocol::ErrorCode::coordinator_not_available);
    return visit(*coordinator);
  }
  // Every transactional id of the shard that the filter lets through. Errors: COORDINATOR_LOAD_IN_PROGRESS.
  [[nodiscard]] tl::expected<std::vector<ListedTransaction>, protocol::ErrorCode> list(
      const TransactionFilter& filter) const;

 private:
  class Term;

  // Null when its log could not be read.
  [[nodiscard]] const TransactionCoordinator* find(PartitionIndex partition) const;
  void start_timers();

  const Environment environment_;
  const TransactionTableConfig config_;
  TransactionCoordinator absent_;  // never leads anything
  std::map<PartitionIndex, std::shared_ptr<Term>> terms_;
  TransactionCall last_call_{0};  // over all terms
  std::optional<Shard::TimerId> abort_timer_;
  std::optional<Shard::TimerId> expiry_timer_;
  bool stopped_ = false;
};

}  // namespace millrace::coordinator
