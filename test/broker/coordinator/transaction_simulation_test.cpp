// Random worlds of transactions (transaction_simulation.h): the coordinator keeps its promises in all of them, and in
// each table row a coordinator with one planted bug does not.
#include "test/broker/coordinator/transaction_simulation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <iterator>

namespace millrace::coordinator::test {
namespace {

template <class Driver>
std::unique_ptr<CoordinatorDriver> make_driver(const PartitionLeaders& leaders) {
  return std::make_unique<Driver>(leaders);
}

bool prepares(const TransactionAppend& append) {
  const auto& value = append.records.front().value;
  return value && is_prepared(transaction_metadata_of(*value)->state);
}

// Who comes for an id that is there gets the epoch that it has.
struct EpochNotBumped final : CoordinatorDriver {
  using CoordinatorDriver::CoordinatorDriver;
  TransactionActions init(TransactionCall call, const InitProducerIdCall& request, TimestampMs now) override {
    const auto described = coordinator.describe(request.transactional_id);
    if (!described || (*described)->producer_epoch < ProducerEpoch(0))
      return CoordinatorDriver::init(call, request, now);
    TransactionActions actions;
    actions.answers.push_back({call, ErrorCode::none, (*described)->producer_id, (*described)->producer_epoch});
    return actions;
  }
};

struct MarkersBeforeTheOutcomeIsStored final : CoordinatorDriver {
  using CoordinatorDriver::CoordinatorDriver;
  bool believes_at_once(const TransactionAppend& append) override { return prepares(append); }
};

struct AnswerBeforeTheOutcomeIsStored final : CoordinatorDriver {
  using CoordinatorDriver::CoordinatorDriver;
  TransactionActions end(TransactionCall call, const TransactionProducer& producer, bool commit,
                         TimestampMs now) override {
    auto actions = coordinator.end(TransactionCall::none(), producer, commit, now);
    actions.answers.push_back({call, ErrorCode::none});
    return actions;
  }
};

struct NoMarkersAfterALoad final : CoordinatorDriver {
  using CoordinatorDriver::CoordinatorDriver;
  TransactionActions finish_load(TransactionLoad load, TimestampMs now) override {
    auto actions = coordinator.finish_load(std::move(load), now);
    actions.markers.clear();
    return actions;
  }
};

struct AbortAfterALoad final : CoordinatorDriver {
  using CoordinatorDriver::CoordinatorDriver;
  TransactionActions finish_load(TransactionLoad load, TimestampMs now) override {
    auto actions = coordinator.finish_load(std::move(load), now);
    for (auto& marker : actions.markers) marker.committed = false;
    return actions;
  }
};

struct LostMarkersForgotten final : CoordinatorDriver {
  using CoordinatorDriver::CoordinatorDriver;
  void on_markers_lost(TransactionMarkerId /*id*/) override {}
};

struct RefusedMarkersTakenForWritten final : CoordinatorDriver {
  using CoordinatorDriver::CoordinatorDriver;
  TransactionActions on_markers_written(TransactionMarkerId id, std::vector<MarkerOutcome> outcomes,
                                        TimestampMs now) override {
    for (auto& outcome : outcomes) outcome.error = ErrorCode::none;
    return coordinator.on_markers_written(id, outcomes, now);
  }
};

struct NoTimeout final : CoordinatorDriver {
  using CoordinatorDriver::CoordinatorDriver;
  TransactionActions abort_timed_out(TimestampMs /*now*/) override { return {}; }
};

// A transaction that is too old ends as if its producer had asked for it.
struct TimeoutWithoutFence final : CoordinatorDriver {
  using CoordinatorDriver::CoordinatorDriver;
  TransactionActions abort_timed_out(TimestampMs now) override {
    TransactionActions all;
    const auto listed = coordinator.list({.states = std::vector{TransactionState::ongoing}}, now);
    for (const auto& transaction : *listed) {
      const auto stored = **coordinator.describe(transaction.transactional_id);
      if (stored.start + stored.timeout_ms >= now) continue;
      auto actions =
          coordinator.end(TransactionCall::none(),
                          {transaction.transactional_id, stored.producer_id, stored.producer_epoch}, false, now);
      std::ranges::move(actions.appends, std::back_inserter(all.appends));
    }
    return all;
  }
};

struct EveryPartitionVerified final : CoordinatorDriver {
  using CoordinatorDriver::CoordinatorDriver;
  ErrorCode verify(const TransactionProducer& /*producer*/, const TopicPartition& /*partition*/) override {
    return ErrorCode::none;
  }
};

struct PlantedBug {
  const char* name;
  MakeDriver make;
};

const PlantedBug planted_bugs[] = {
    {"epoch not bumped", make_driver<EpochNotBumped>},
    {"markers before the outcome is stored", make_driver<MarkersBeforeTheOutcomeIsStored>},
    {"answer before the outcome is stored", make_driver<AnswerBeforeTheOutcomeIsStored>},
    {"no markers after a load", make_driver<NoMarkersAfterALoad>},
    {"abort after a load", make_driver<AbortAfterALoad>},
    {"lost markers forgotten", make_driver<LostMarkersForgotten>},
    {"refused markers taken for written", make_driver<RefusedMarkersTakenForWritten>},
    {"no timeout", make_driver<NoTimeout>},
    {"timeout without fence", make_driver<TimeoutWithoutFence>},
    {"every partition verified", make_driver<EveryPartitionVerified>},
};

constexpr std::uint64_t seed_count = 300;
constexpr int rounds = 5;
constexpr int steps = 1200;

TEST(RandomTransactions, AreThereWholeOrNotAtAllInOrderAndNoneHangsPastItsTimeout) {
  std::size_t committed = 0;
  std::size_t appends = 0;
  std::size_t crashes = 0;
  for (std::uint64_t seed = 0; seed < seed_count; ++seed) {
    TransactionSimulation simulation(seed, make_driver<CoordinatorDriver>);
    const auto complaint = simulation.run(rounds, steps);
    ASSERT_FALSE(complaint) << "seed " << seed << ": " << *complaint;
    committed += simulation.ledger().committed_count();
    appends += simulation.append_count();
    crashes += simulation.crash_count();
  }
  // What happened, so that a simulation in which nothing does is not taken for a good one.
  EXPECT_GT(committed, seed_count * 5);
  EXPECT_GT(appends, seed_count * 100);
  EXPECT_GT(crashes, seed_count * 10);
  RecordProperty("committed", static_cast<int>(committed));
  RecordProperty("appends", static_cast<int>(appends));
  RecordProperty("crashes", static_cast<int>(crashes));
}

TEST(RandomTransactions, FindEveryPlantedBug) {
  for (const auto& [name, make] : planted_bugs) {
    std::optional<std::string> complaint;
    std::uint64_t seed = 0;
    for (; seed < seed_count && !complaint; ++seed) complaint = TransactionSimulation(seed, make).run(rounds, steps);
    EXPECT_TRUE(complaint) << name << " is not found in " << seed_count << " seeds";
    if (complaint) std::cout << name << ": seed " << seed - 1 << ": " << *complaint << "\n";
  }
}

}  // namespace
}  // namespace millrace::coordinator::test
