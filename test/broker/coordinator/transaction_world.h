// A transaction coordinator with the world around it: leaders of partitions, appends and markers that wait to be
// answered, and the records that were stored. One thread.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/coordinator/transaction_coordinator.h"

namespace millrace::coordinator::test {

using protocol::ErrorCode;

inline TopicPartition orders(std::int32_t partition) { return {"orders", PartitionIndex(partition)}; }

struct KnownLeaders final : PartitionLeaders {
  // Broker 1 leads what is not listed.
  std::map<TopicPartition, std::optional<BrokerId>> listed;

  [[nodiscard]] std::optional<BrokerId> leader_of(const TopicPartition& partition) const override {
    const auto found = listed.find(partition);
    return found == listed.end() ? BrokerId(1) : found->second;
  }
};

struct TransactionWorld : testing::Test {
  TransactionWorld() {
    take(coordinator.begin_load(LeaderEpoch(5)));
    take(coordinator.finish_load({}, now));
  }

  void take(TransactionActions actions) {
    for (auto& answer : actions.answers) answers[answer.call] = answer;
    std::ranges::move(actions.appends, std::back_inserter(appends));
    std::ranges::move(actions.markers, std::back_inserter(markers));
    std::ranges::move(actions.producer_ids, std::back_inserter(id_calls));
  }

  // What the request was answered; nothing while it waits.
  std::optional<ErrorCode> error_of(TransactionCall call) const {
    const auto found = answers.find(call);
    return found == answers.end() ? std::nullopt : std::optional(found->second.error);
  }

  TransactionCall next_call() {
    last_call = last_call + 1;
    return last_call;
  }

  // Every id that is wanted is the next number.
  void give_ids() {
    for (const auto call : std::exchange(id_calls, {})) {
      next_id = next_id + 1;
      take(coordinator.on_producer_id(call, next_id, now));
    }
  }

  // Appends the oldest wanted record, or fails to.
  void append_one(ErrorCode error = ErrorCode::none) {
    ASSERT_FALSE(appends.empty());
    auto append = std::move(appends.front());
    appends.erase(appends.begin());
    if (error == ErrorCode::none) std::ranges::move(append.records, std::back_inserter(log));
    take(coordinator.on_appended(append.id, error, now));
  }
  void append_all() {
    while (!appends.empty()) append_one();
  }

  void write_markers(ErrorCode error = ErrorCode::none) {
    for (const auto& marker : std::exchange(markers, {})) {
      std::vector<MarkerOutcome> outcomes;
      for (const auto& partition : marker.partitions) outcomes.push_back({partition, error});
      take(coordinator.on_markers_written(marker.id, outcomes, now));
    }
  }
  // Everything that is under way comes to its end.
  void settle() {
    while (!appends.empty() || !markers.empty() || !id_calls.empty()) {
      give_ids();
      append_all();
      write_markers();
    }
  }

  TransactionCall ask_for_id(std::string_view id = "t", ProducerId expected_id = ProducerId::none(),
                             ProducerEpoch expected_epoch = ProducerEpoch::none(), std::int32_t timeout_ms = 60'000) {
    const auto call = next_call();
    take(coordinator.init_producer_id(call, {id, timeout_ms, expected_id, expected_epoch}, now));
    give_ids();
    return call;
  }
  // A producer that has its id.
  TransactionProducer init(std::string_view id = "t") {
    const auto call = ask_for_id(id);
    append_all();
    EXPECT_EQ(error_of(call), ErrorCode::none);
    return {id, answers[call].producer_id, answers[call].producer_epoch};
  }
  TransactionCall add(const TransactionProducer& producer, std::vector<TopicPartition> partitions = {orders(0)}) {
    const auto call = next_call();
    take(coordinator.add_partitions(call, producer, std::move(partitions), now));
    return call;
  }
  TransactionCall end(const TransactionProducer& producer, bool commit = true) {
    const auto call = next_call();
    take(coordinator.end(call, producer, commit, now));
    return call;
  }
  TransactionProducer begin(std::string_view id = "t", const std::vector<TopicPartition>& partitions = {orders(0)}) {
    const auto producer = init(id);
    add(producer, partitions);
    append_all();
    return producer;
  }

  std::optional<TransactionState> state(std::string_view id = "t") const {
    const auto described = coordinator.describe(id);
    return described ? std::optional((*described)->state) : std::nullopt;
  }
  std::vector<TransactionState> logged_states() const {
    std::vector<TransactionState> states;
    for (const auto& record : log) {
      states.push_back(record.value ? transaction_metadata_of(*record.value)->state : TransactionState::dead);
    }
    return states;
  }

  // Another broker's coordinator, or this one's next term: what was under way is gone, the log is read again.
  void reload() {
    take(coordinator.begin_load(LeaderEpoch(6)));
    appends.clear();
    markers.clear();
    TransactionLoad load;
    for (const auto& record : log) {
      ASSERT_TRUE(load.read_record(record.key, record.value ? std::optional<BytesView>(*record.value) : std::nullopt));
    }
    take(coordinator.finish_load(std::move(load), now));
  }

  TransactionConfig config;
  KnownLeaders leaders;
  TransactionCoordinator coordinator{config, leaders};
  TimestampMs now{1'700'000'000'000};
  TransactionCall last_call{0};
  ProducerId next_id{4000};
  std::map<TransactionCall, TransactionAnswer> answers;
  std::vector<TransactionAppend> appends;
  std::vector<TransactionMarker> markers;
  std::vector<TransactionCall> id_calls;
  std::vector<TransactionRecord> log;
};

}  // namespace millrace::coordinator::test
