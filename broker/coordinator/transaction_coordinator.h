// The transaction coordinator of one partition of `__transaction_state`: all transactional ids that belong to it, from
// the first InitProducerId to the tombstone.
//
//     EndTxn -> PrepareCommit appended -> answer, markers to the partitions' leaders -> all written -> CompleteCommit
//
// Invariants: what a client is told is stored before; markers go out only when the outcome is stored; an id has one
// transition at a time, and who comes meanwhile gets CONCURRENT_TRANSACTIONS.
//
// A state machine without I/O, threads and clock: inputs are requests, records, answers and the time, outputs are
// TransactionActions. Owned by the shard of its partition, which calls every method. Error codes are decided here, as
// in Kafka; its handlers authorize the requests before, and translate PRODUCER_FENCED for their old versions behind.
// Timers are the owner's: abort_timed_out every transaction.abort.timed.out.transaction.cleanup.interval.ms, expire
// every transaction.remove.expired.transaction.cleanup.interval.ms, retry after a short while when wants_retry().
//
// Safer than Kafka: a marker whose answer has an error that Kafka does not expect, or none at all, is sent again, and
// so is the record of a completed transaction (Kafka throws, and the transaction hangs until the coordinator moves).
//
// Source: kafka.coordinator.transaction.TransactionCoordinator, TransactionStateManager,
// TransactionMarkerChannelManager; KIP-98, KIP-360, KIP-588, KIP-664, KIP-890 (part 1), KIP-994.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <tl/expected.hpp>

#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/coordinator/batch_size.h"
#include "broker/coordinator/text_map.h"
#include "broker/coordinator/transaction_actions.h"
#include "broker/coordinator/transaction_load.h"
#include "broker/coordinator/transaction_metadata.h"
#include "broker/coordinator/transaction_records.h"
#include "broker/protocol/error_code.h"

namespace millrace::coordinator {

struct TransactionConfig {
  std::int32_t max_timeout_ms = 15 * 60 * 1000;                  // transaction.max.timeout.ms
  std::int64_t id_expiration_ms = std::int64_t{7} * 86'400'000;  // transactional.id.expiration.ms
  std::int32_t request_timeout_ms = 30'000;                      // request.timeout.ms, for tombstones
  std::size_t tombstones_bytes_max = default_batch_bytes_max;    // max.message.bytes of the internal topic
};

// Where markers go. The broker's view of the cluster; it outlives the coordinator.
class PartitionLeaders {
 public:
  PartitionLeaders() = default;
  PartitionLeaders(const PartitionLeaders&) = delete;
  PartitionLeaders& operator=(const PartitionLeaders&) = delete;
  virtual ~PartitionLeaders() = default;

  // BrokerId::none() when it has none that is alive. Nothing when there is no such partition: it is deleted and needs
  // no marker, so an implementation that does not know the whole cluster yet says none().
  [[nodiscard]] virtual std::optional<BrokerId> leader_of(const TopicPartition& partition) const = 0;
};

struct InitProducerIdCall {
  std::string_view transactional_id;
  std::int32_t timeout_ms = 0;
  ProducerId producer_id = ProducerId::none();  // these two: what the client has; both or neither
  ProducerEpoch producer_epoch = ProducerEpoch::none();
};

// Who asks, in the other requests.
struct TransactionProducer {
  std::string_view transactional_id;
  ProducerId id;
  ProducerEpoch epoch;
};

struct MarkerOutcome {
  TopicPartition partition;
  protocol::ErrorCode error;
};

struct PartitionVerdict {
  TopicPartition partition;
  protocol::ErrorCode error;
};

struct TransactionFilter {
  std::vector<ProducerId> producer_ids{};                 // ascending; empty: any
  std::optional<std::vector<TransactionState>> states{};  // nothing: any
  std::int64_t duration_ms = -1;                          // open for longer than this; negative: any
};

struct ListedTransaction {
  std::string transactional_id;
  ProducerId producer_id;
  TransactionState state;
};

class TransactionCoordinator {
 public:
  TransactionCoordinator(const TransactionConfig& config, const PartitionLeaders& leaders)
      : config_(config), leaders_(leaders) {}
  TransactionCoordinator(const TransactionCoordinator&) = delete;
  TransactionCoordinator& operator=(const TransactionCoordinator&) = delete;

  void set_config(const TransactionConfig& config) { config_ = config; }

  // This broker leads the partition in `coordinator_epoch`: until finish_load requests are answered with
  // COORDINATOR_LOAD_IN_PROGRESS. What waits from an earlier term is answered.
  [[nodiscard]] TransactionActions begin_load(LeaderEpoch coordinator_epoch);
  // With all that the partition's log has. Transactions whose outcome is stored get their markers, once more perhaps.
  [[nodiscard]] TransactionActions finish_load(TransactionLoad loaded, TimestampMs now);
  // It does not lead any more: who waits is answered with NOT_COORDINATOR, and what comes back later is for nobody.
  [[nodiscard]] TransactionActions unload();

  [[nodiscard]] TransactionActions init_producer_id(TransactionCall call, const InitProducerIdCall& request,
                                                    TimestampMs now);
  [[nodiscard]] TransactionActions on_producer_id(TransactionCall call,
                                                  tl::expected<ProducerId, protocol::ErrorCode> id, TimestampMs now);
  // AddPartitionsToTxn; AddOffsetsToTxn with the group's partition of `__consumer_offsets`. All partitions get the
  // answer's error.
  [[nodiscard]] TransactionActions add_partitions(TransactionCall call, const TransactionProducer& producer,
                                                  std::vector<TopicPartition> partitions, TimestampMs now);
  // AddPartitionsToTxn v4 with verify_only: which of them are part of the producer's open transaction.
  [[nodiscard]] std::vector<PartitionVerdict> verify_partitions(const TransactionProducer& producer,
                                                                std::vector<TopicPartition> partitions) const;
  [[nodiscard]] TransactionActions end(TransactionCall call, const TransactionProducer& producer, bool commit,
                                       TimestampMs now);

  // NONE, or the error of the append in the codes of Produce.
  [[nodiscard]] TransactionActions on_appended(TransactionAppendId id, protocol::ErrorCode error, TimestampMs now);
  // The answer of WriteTxnMarkers for one marker. An id that is not waited for (any more) changes nothing.
  [[nodiscard]] TransactionActions on_markers_written(TransactionMarkerId id,
                                                      const std::vector<MarkerOutcome>& outcomes, TimestampMs now);
  // The request got no answer: the connection broke, or it was never sent.
  void on_markers_lost(TransactionMarkerId id);
  [[nodiscard]] bool wants_retry() const { return !markers_to_retry_.empty() || !completions_to_retry_.empty(); }
  [[nodiscard]] TransactionActions retry(TimestampMs now);

  [[nodiscard]] TransactionActions abort_timed_out(TimestampMs now);
  [[nodiscard]] TransactionActions expire(TimestampMs now);

  // Errors: COORDINATOR_LOAD_IN_PROGRESS. Empty where this broker is not the coordinator.
  [[nodiscard]] tl::expected<std::vector<ListedTransaction>, protocol::ErrorCode> list(const TransactionFilter& filter,
                                                                                       TimestampMs now) const;
  // The pointer lives until the next call. Errors: INVALID_REQUEST, COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR,
  // TRANSACTIONAL_ID_NOT_FOUND.
  [[nodiscard]] tl::expected<const TransactionMetadata*, protocol::ErrorCode> describe(
      std::string_view transactional_id) const;

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  enum class Phase : std::uint8_t { not_coordinator, loading, active };

  using Entries = TextMap<TransactionEntry>;

  // What is done when a record is appended or is not.
  enum class AppendPurpose : std::uint8_t {
    init,
    add_partitions,
    end,
    fence_for_init,
    fence_for_timeout,
    complete,
    expire
  };
  struct PendingAppend {
    AppendPurpose purpose;
    TransactionCall call;
    std::vector<std::string> transactional_ids;
  };
  struct PendingMarker {
    std::string transactional_id;
    std::vector<TopicPartition> partitions;
  };
  struct WaitingInit {
    std::string transactional_id;
    std::int32_t timeout_ms;
    std::optional<ExpectedProducer> expected;
  };

  [[nodiscard]] std::optional<protocol::ErrorCode> refusal() const;
  // The entry, when the producer owns it; else why not.
  [[nodiscard]] tl::expected<Entries::const_iterator, protocol::ErrorCode> owned_entry(
      const TransactionProducer& producer) const;
  [[nodiscard]] Entries::value_type& mutable_entry(std::string_view transactional_id);

  void init(TransactionCall call, const WaitingInit& request, std::optional<ProducerId> fresh_id, TimestampMs now,
            TransactionActions& actions);
  void init_idle(TransactionCall call, const WaitingInit& request, std::optional<ProducerId> fresh_id,
                 Entries::value_type& entry, TimestampMs now, TransactionActions& actions);
  void wait_for_producer_id(TransactionCall call, const WaitingInit& request, TransactionActions& actions);
  // Stores the entry's target.
  void append(Entries::value_type& entry, AppendPurpose purpose, TransactionCall call, TimestampMs now,
              TransactionActions& actions);
  void on_stored(const PendingAppend& pending, TimestampMs now, TransactionActions& actions);
  void on_not_stored(const PendingAppend& pending, protocol::ErrorCode error, TransactionActions& actions);
  void on_expired(const PendingAppend& pending, bool stored);
  void append_tombstones(std::vector<std::string> ids, std::vector<TransactionRecord> records, TimestampMs now,
                         TransactionActions& actions);

  void start_completion(Entries::value_type& entry, TimestampMs now, TransactionActions& actions);
  void send_markers(Entries::value_type& entry, const std::vector<TopicPartition>& partitions,
                    TransactionActions& actions);
  // Stores the end of the transaction when no marker is missing.
  void complete_if_done(Entries::value_type& entry, TimestampMs now, TransactionActions& actions);
  void retry_later(const std::string& transactional_id, const std::vector<TopicPartition>& partitions);
  void answer(TransactionCall call, protocol::ErrorCode error, TransactionActions& actions);

  TransactionConfig config_;
  const PartitionLeaders& leaders_;
  Phase phase_ = Phase::not_coordinator;
  LeaderEpoch coordinator_epoch_ = LeaderEpoch::none();
  Entries entries_;
  // Numbers go on over terms, so that what comes back from an earlier one is for nobody.
  TransactionAppendId next_append_{0};
  TransactionMarkerId next_marker_{0};
  std::unordered_map<TransactionAppendId, PendingAppend> appends_;
  std::unordered_map<TransactionMarkerId, PendingMarker> markers_;
  std::unordered_map<TransactionCall, WaitingInit> waiting_inits_;
  std::map<std::string, std::vector<TopicPartition>, std::less<>> markers_to_retry_;
  std::vector<std::string> completions_to_retry_;
};

}  // namespace millrace::coordinator
