// A whole world of transactions under one seed: producers that commit, abort, die and come back, a network that loses,
// delays and repeats, a coordinator that crashes between any two appends and loads its log again, partitions and their
// reader.
//
// Rounds of chaos, after each of which the network heals, producers fall silent, and everything must come to rest
// within the timeout of a transaction. Time is simulated. One thread; a seed gives one run.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/random.h"
#include "broker/coordinator/transaction_coordinator.h"
#include "test/broker/coordinator/transaction_partitions.h"

namespace millrace::coordinator::test {

// The coordinator as the rest of the broker drives it; planted bugs override a part.
class CoordinatorDriver {
 public:
  explicit CoordinatorDriver(const PartitionLeaders& leaders) : coordinator(config(), leaders) {}
  CoordinatorDriver(const CoordinatorDriver&) = delete;
  CoordinatorDriver& operator=(const CoordinatorDriver&) = delete;
  virtual ~CoordinatorDriver() = default;

  virtual TransactionActions finish_load(TransactionLoad load, TimestampMs now) {
    return coordinator.finish_load(std::move(load), now);
  }
  virtual TransactionActions init(TransactionCall call, const InitProducerIdCall& request, TimestampMs now) {
    return coordinator.init_producer_id(call, request, now);
  }
  virtual TransactionActions end(TransactionCall call, const TransactionProducer& producer, bool commit,
                                 TimestampMs now) {
    return coordinator.end(call, producer, commit, now);
  }
  virtual ErrorCode verify(const TransactionProducer& producer, const TopicPartition& partition) {
    return coordinator.verify_partitions(producer, {partition}).front().error;
  }
  virtual TransactionActions on_markers_written(TransactionMarkerId id, std::vector<MarkerOutcome> outcomes,
                                                TimestampMs now) {
    return coordinator.on_markers_written(id, outcomes, now);
  }
  virtual void on_markers_lost(TransactionMarkerId id) { coordinator.on_markers_lost(id); }
  virtual TransactionActions abort_timed_out(TimestampMs now) { return coordinator.abort_timed_out(now); }
  // Whether the append is taken for done before it is.
  virtual bool believes_at_once(const TransactionAppend& /*append*/) { return false; }

  TransactionCoordinator coordinator;

 private:
  static TransactionConfig config() {
    TransactionConfig config;
    config.id_expiration_ms = 5000;
    return config;
  }
};

using MakeDriver = std::function<std::unique_ptr<CoordinatorDriver>(const PartitionLeaders&)>;

class TransactionSimulation {
 public:
  TransactionSimulation(std::uint64_t seed, MakeDriver make_driver);

  // So many rounds of so many steps. What was wrong, if anything was.
  std::optional<std::string> run(int rounds, int steps);

  [[nodiscard]] const TransactionLedger& ledger() const { return ledger_; }
  [[nodiscard]] std::size_t append_count() const { return log_.size(); }
  [[nodiscard]] std::size_t crash_count() const { return crash_count_; }

 private:
  static constexpr std::int32_t timeout_ms = 1000;

  struct Leaders final : PartitionLeaders {
    explicit Leaders(TransactionSimulation& owner) : world(owner) {}
    [[nodiscard]] std::optional<BrokerId> leader_of(const TopicPartition& partition) const override;
    TransactionSimulation& world;
  };
  enum class Want : std::uint8_t { id, transaction, partition, record, end, nothing };
  // A producer of one transactional id, one request at a time.
  struct Client {
    int number = 0;
    std::string transactional_id;
    Want want = Want::id;
    ProducerId id = ProducerId::none();
    ProducerEpoch epoch = ProducerEpoch::none();
    TransactionNumber transaction = 0;
    std::vector<std::size_t> plan;  // partitions to write to, the next one last
    bool commit = true;
    bool needs_epoch = false;
    int attempt = 0;  // answers to earlier ones are not heard
    bool waits = false;
    TimestampMs asked;
  };
  using ClientPointer = std::shared_ptr<Client>;
  struct Request {
    int attempt;
    Want want;
    std::size_t partition;
    ProducerId id;
    ProducerEpoch epoch;
    TransactionNumber transaction;
  };
  struct Answer {
    ErrorCode error;
    ProducerId id = ProducerId::none();
    ProducerEpoch epoch = ProducerEpoch::none();
  };

  [[nodiscard]] bool chance(int percent) { return chaos_ && random_.below(100) < static_cast<std::uint64_t>(percent); }
  [[nodiscard]] static TopicPartition data(std::size_t index) {
    return {"data", PartitionIndex(static_cast<int>(index))};
  }
  void step();
  void tick();
  void come_to_rest();
  void send(std::function<void()> delivery) { network_.push_back(std::move(delivery)); }
  void deliver_one();

  void crash();
  void start();
  void take(TransactionActions actions);
  void append_next();
  void store(const TransactionAppend& append);
  void deliver_marker(const TransactionMarker& marker, int term, bool answered);

  void replace_client(std::size_t slot);
  void act(const ClientPointer& client);
  void ask(const ClientPointer& client);
  void carry_out(const ClientPointer& client, const Request& request);
  void hear(const ClientPointer& client, int attempt, const Answer& answer);
  void go_on(Client& client, const Answer& answer);
  void produce(const ClientPointer& client, const Request& request);

  SeededRandom random_;
  MakeDriver make_driver_;
  Leaders leaders_{*this};
  std::unique_ptr<CoordinatorDriver> driver_;  // null: it is down
  int term_ = 0;
  std::vector<TransactionRecord> log_;
  std::vector<TransactionAppend> appends_;  // of this term, the oldest first
  std::map<TransactionCall, std::function<void(const Answer&)>> calls_;
  TransactionCall next_call_{0};
  ProducerId next_id_{100};
  std::vector<std::function<void()>> network_;
  std::vector<std::function<void()>> slow_network_;
  std::array<PartitionModel, 3> partitions_;
  std::vector<ClientPointer> clients_;  // the newest of each transactional id
  std::vector<ClientPointer> zombies_;
  int client_count_ = 0;
  TransactionLedger ledger_;
  TimestampMs now_{1'000'000};
  bool chaos_ = true;
  std::size_t crash_count_ = 0;
};

}  // namespace millrace::coordinator::test
