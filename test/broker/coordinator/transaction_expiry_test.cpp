// Time: transactions that are open for too long, ids that nobody uses; and what administrators see of both.
#include <gtest/gtest.h>

#include <algorithm>

#include "test/broker/coordinator/transaction_world.h"

namespace millrace::coordinator::test {
namespace {

using enum TransactionState;

constexpr std::int64_t week_ms = std::int64_t{7} * 86'400'000;

struct TransactionTime : TransactionWorld {
  std::vector<std::string> listed(const TransactionFilter& filter) {
    std::vector<std::string> ids;
    const auto transactions = *coordinator.list(filter, now);
    for (const auto& transaction : transactions) {
      ids.push_back(transaction.transactional_id + " " + std::string(to_string(transaction.state)));
    }
    std::ranges::sort(ids);
    return ids;
  }
};

TEST_F(TransactionTime, AbortsATransactionThatIsOpenForLongerThanItsTimeoutAndFencesItsProducer) {
  const auto producer = begin();
  now = now + 60'000;
  take(coordinator.abort_timed_out(now));
  EXPECT_TRUE(appends.empty());
  now = now + 1;
  take(coordinator.abort_timed_out(now));
  ASSERT_EQ(appends.size(), 1U);
  take(coordinator.abort_timed_out(now));
  EXPECT_EQ(appends.size(), 1U) << "it is under way";
  append_one();
  const auto stored = *transaction_metadata_of(*log.back().value);
  EXPECT_EQ(stored.state, prepare_abort);
  EXPECT_EQ(stored.producer_epoch, producer.epoch + 1);
  ASSERT_EQ(markers.size(), 1U);
  EXPECT_EQ(markers[0].producer_epoch, producer.epoch + 1);
  settle();
  EXPECT_EQ(state(), complete_abort);
  EXPECT_EQ(error_of(end(producer)), ErrorCode::producer_fenced);
  take(coordinator.abort_timed_out(now + week_ms));
  EXPECT_TRUE(appends.empty());
}

TEST_F(TransactionTime, CountsATimeoutFromTheTransactionsStartThroughALoad) {
  const auto producer = begin();
  now = now + 50'000;
  add(producer, {orders(1)});
  append_all();
  reload();
  now = now + 10'001;
  take(coordinator.abort_timed_out(now));
  ASSERT_EQ(appends.size(), 1U);
  settle();
  EXPECT_EQ(state(), complete_abort);
}

TEST_F(TransactionTime, TriesAgainToAbortWhatCouldNotBeStored) {
  const auto producer = begin();
  now = now + 60'001;
  for (int attempt = 0; attempt < 3; ++attempt) {
    take(coordinator.abort_timed_out(now));
    append_one(ErrorCode::not_enough_replicas);
  }
  EXPECT_EQ(error_of(end(producer)), ErrorCode::producer_fenced);
  take(coordinator.abort_timed_out(now));
  append_one();
  EXPECT_EQ(transaction_metadata_of(*log.back().value)->producer_epoch, producer.epoch + 1);
}

TEST_F(TransactionTime, ForgetsIdsThatNobodyHasUsedForLongButNoneWithAnOpenTransaction) {
  init("empty");
  begin("committed");
  end({"committed", (*coordinator.describe("committed"))->producer_id, ProducerEpoch(0)});
  settle();
  begin("open");
  const auto ending = begin("ending");
  end(ending);
  append_one();
  now = now + week_ms - 1;
  take(coordinator.expire(now));
  EXPECT_TRUE(appends.empty());
  now = now + 1;
  take(coordinator.expire(now));
  ASSERT_EQ(appends.size(), 1U);
  EXPECT_EQ(appends[0].records.size(), 2U);
  EXPECT_EQ(appends[0].timeout_ms, 30'000);
  EXPECT_EQ(error_of(ask_for_id("empty")), ErrorCode::concurrent_transactions) << "its tombstone is under way";
  take(coordinator.expire(now));
  EXPECT_EQ(appends.size(), 1U);
  append_one();
  EXPECT_EQ(listed({}), (std::vector<std::string>{"ending PrepareCommit", "open Ongoing"}));
  EXPECT_EQ(coordinator.describe("empty").error(), ErrorCode::transactional_id_not_found);
  reload();
  EXPECT_EQ(coordinator.size(), 2U);
}

TEST_F(TransactionTime, KeepsIdsWhoseTombstoneCouldNotBeStored) {
  const auto producer = init();
  now = now + week_ms;
  take(coordinator.expire(now));
  append_one(ErrorCode::not_enough_replicas);
  EXPECT_EQ(state(), empty);
  add(producer);
  append_all();
  EXPECT_EQ(state(), ongoing);
  ask_for_id();
  settle();
  EXPECT_EQ((*coordinator.describe("t"))->producer_epoch, producer.epoch + 1) << "it was no fence that failed";
}

TEST_F(TransactionTime, WritesTombstonesInBatchesThatFitTheTopic) {
  config.tombstones_bytes_max = 61 + 3 * (2 + 2 + 5 + 32);
  coordinator.set_config(config);
  for (int id = 100; id < 110; ++id) init("id" + std::to_string(id));
  now = now + week_ms;
  take(coordinator.expire(now));
  ASSERT_EQ(appends.size(), 4U);
  for (const auto& append : appends) EXPECT_LE(append.records.size(), 3U);
  append_all();
  EXPECT_EQ(coordinator.size(), 0U);
}

TEST_F(TransactionTime, ListsTransactionsByStateProducerAndDuration) {
  const auto first = begin("first");
  now = now + 100;
  begin("second");
  init("third");
  EXPECT_EQ(listed({}), (std::vector<std::string>{"first Ongoing", "second Ongoing", "third Empty"}));
  EXPECT_EQ(listed({.producer_ids = {ProducerId(77), first.id}}), std::vector<std::string>{"first Ongoing"});
  EXPECT_EQ(listed({.states = std::vector{empty, complete_abort}}), std::vector<std::string>{"third Empty"});
  EXPECT_EQ(listed({.states = std::vector<TransactionState>{}}), std::vector<std::string>{}) << "only unknown states";
  EXPECT_EQ(listed({.states = std::vector{ongoing}, .duration_ms = 99}), std::vector<std::string>{"first Ongoing"});
  EXPECT_EQ(listed({.states = std::vector{ongoing}, .duration_ms = 100}), std::vector<std::string>{});
  take(coordinator.begin_load(LeaderEpoch(6)));
  EXPECT_EQ(coordinator.list({}, now).error(), ErrorCode::coordinator_load_in_progress);
  take(coordinator.unload());
  EXPECT_TRUE(coordinator.list({}, now)->empty());
}

TEST_F(TransactionTime, DescribesOneTransaction) {
  const auto producer = begin("t", {orders(1), orders(0)});
  const auto described = coordinator.describe("t");
  ASSERT_TRUE(described);
  EXPECT_EQ((*described)->producer_id, producer.id);
  EXPECT_EQ((*described)->state, ongoing);
  EXPECT_EQ((*described)->start, now);
  EXPECT_EQ((*described)->partitions, (std::vector{orders(0), orders(1)}));
  EXPECT_EQ(coordinator.describe("").error(), ErrorCode::invalid_request);
  EXPECT_EQ(coordinator.describe("other").error(), ErrorCode::transactional_id_not_found);
  take(coordinator.begin_load(LeaderEpoch(6)));
  EXPECT_EQ(coordinator.describe("t").error(), ErrorCode::coordinator_load_in_progress);
  take(coordinator.unload());
  EXPECT_EQ(coordinator.describe("t").error(), ErrorCode::not_coordinator);
}

}  // namespace
}  // namespace millrace::coordinator::test
