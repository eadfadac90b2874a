// What a producer that has its id may do with a transaction, and what it is told otherwise: what Kafka 3.9.2 answered to
// the same requests.
#include <gtest/gtest.h>

#include "test/broker/coordinator/transaction_world.h"

namespace millrace::coordinator::test {
namespace {

using enum TransactionState;

struct TransactionRequests : TransactionWorld {
  std::vector<ErrorCode> verified(const TransactionProducer& producer, const std::vector<TopicPartition>& partitions) {
    std::vector<ErrorCode> errors;
    for (const auto& verdict : coordinator.verify_partitions(producer, partitions)) errors.push_back(verdict.error);
    return errors;
  }
  // The id as it is after a transaction that had this outcome, or while it gets it.
  TransactionProducer bring_to(TransactionState wanted) {
    if (wanted == empty) return init();
    const auto producer = begin();
    if (wanted == ongoing) return producer;
    end(producer, wanted == prepare_commit || wanted == complete_commit);
    append_one();
    if (wanted == complete_commit || wanted == complete_abort) settle();
    EXPECT_EQ(state(), wanted);
    return producer;
  }
};

TEST_F(TransactionRequests, OpenATransactionWithItsFirstPartitionsAndAnswerWhenThatIsStored) {
  const auto producer = init();
  now = now + 5;
  const auto call = add(producer, {orders(2), orders(0), orders(2)});
  EXPECT_FALSE(error_of(call));
  EXPECT_EQ(state(), empty);
  append_all();
  EXPECT_EQ(error_of(call), ErrorCode::none);
  now = now + 5;
  add(producer, {orders(1)});
  append_all();
  const auto stored = *transaction_metadata_of(*log.back().value);
  EXPECT_EQ(stored.state, ongoing);
  EXPECT_EQ(stored.partitions, (std::vector{orders(0), orders(1), orders(2)}));
  EXPECT_EQ(stored.start, now - 5);
  EXPECT_EQ(stored.last_update, now);
}

TEST_F(TransactionRequests, StoreNothingForPartitionsThatAreThere) {
  const auto producer = begin("t", {orders(0), orders(1)});
  EXPECT_EQ(error_of(add(producer, {orders(1)})), ErrorCode::none);
  EXPECT_TRUE(appends.empty());
}

TEST_F(TransactionRequests, CountTheTimeOfTheNextTransactionAnew) {
  const auto producer = bring_to(complete_commit);
  now = now + 100;
  add(producer, {orders(7)});
  append_all();
  const auto stored = *transaction_metadata_of(*log.back().value);
  EXPECT_EQ(stored.start, now);
  EXPECT_EQ(stored.partitions, (std::vector{orders(7)}));
}

TEST_F(TransactionRequests, AreRefusedFromWhoeverIsNotTheProducer) {
  const auto producer = begin();
  const std::pair<TransactionProducer, ErrorCode> strangers[] = {
      {{"", producer.id, producer.epoch}, ErrorCode::invalid_request},
      {{"unknown", producer.id, producer.epoch}, ErrorCode::invalid_producer_id_mapping},
      {{"t", producer.id + 1, producer.epoch}, ErrorCode::invalid_producer_id_mapping},
      {{"t", producer.id, producer.epoch + 1}, ErrorCode::producer_fenced},
      {{"t", producer.id, producer.epoch - 1}, ErrorCode::producer_fenced},
  };
  for (const auto& [stranger, error] : strangers) {
    EXPECT_EQ(error_of(add(stranger)), error);
    EXPECT_EQ(error_of(end(stranger)), error);
    EXPECT_EQ(error_of(end(stranger, false)), error);
    EXPECT_EQ(verified(stranger, {orders(0)}), std::vector{error});
  }
  EXPECT_TRUE(appends.empty());
}

TEST_F(TransactionRequests, AreRefusedWhereThePartitionIsNotLedOrNotLoaded) {
  const auto producer = begin();
  take(coordinator.begin_load(LeaderEpoch(6)));
  EXPECT_EQ(error_of(add(producer)), ErrorCode::coordinator_load_in_progress);
  EXPECT_EQ(error_of(end(producer)), ErrorCode::coordinator_load_in_progress);
  EXPECT_EQ(verified(producer, {orders(0)}), std::vector{ErrorCode::coordinator_load_in_progress});
  take(coordinator.unload());
  EXPECT_EQ(error_of(add(producer)), ErrorCode::not_coordinator);
  EXPECT_EQ(error_of(end(producer)), ErrorCode::not_coordinator);
  EXPECT_EQ(verified(producer, {orders(0)}), std::vector{ErrorCode::not_coordinator});
}

TEST_F(TransactionRequests, MeetOneAnotherWithConcurrentTransactions) {
  const auto producer = begin();
  const auto adding = add(producer, {orders(1)});
  EXPECT_EQ(error_of(add(producer, {orders(2)})), ErrorCode::concurrent_transactions);
  EXPECT_EQ(error_of(end(producer)), ErrorCode::concurrent_transactions);
  append_all();
  EXPECT_EQ(error_of(adding), ErrorCode::none);
  end(producer);
  EXPECT_EQ(error_of(add(producer, {orders(0)})), ErrorCode::concurrent_transactions);
}

TEST_F(TransactionRequests, ToEndMeetEachStateAsInKafka) {
  struct Expectation {
    TransactionState state;
    ErrorCode of_commit;
    ErrorCode of_abort;
  };
  const Expectation expectations[] = {
      {empty, ErrorCode::invalid_txn_state, ErrorCode::invalid_txn_state},
      {prepare_commit, ErrorCode::concurrent_transactions, ErrorCode::concurrent_transactions},
      {prepare_abort, ErrorCode::concurrent_transactions, ErrorCode::concurrent_transactions},
      {complete_commit, ErrorCode::none, ErrorCode::invalid_txn_state},
      {complete_abort, ErrorCode::invalid_txn_state, ErrorCode::none},
  };
  for (const auto& [wanted, of_commit, of_abort] : expectations) {
    log.clear();
    reload();
    const auto producer = bring_to(wanted);
    EXPECT_EQ(error_of(end(producer, true)), of_commit) << to_string(wanted);
    EXPECT_EQ(error_of(end(producer, false)), of_abort) << to_string(wanted);
    EXPECT_TRUE(appends.empty());
    settle();
  }
}

TEST_F(TransactionRequests, ToAddWaitForTheEndOfTheLastTransaction) {
  for (const auto wanted : {prepare_commit, prepare_abort}) {
    log.clear();
    reload();
    const auto producer = bring_to(wanted);
    EXPECT_EQ(error_of(add(producer)), ErrorCode::concurrent_transactions);
    settle();
    const auto call = add(producer);
    append_all();
    EXPECT_EQ(error_of(call), ErrorCode::none);
  }
}

TEST_F(TransactionRequests, ThatCouldNotBeStoredChangeNothing) {
  const auto producer = begin();
  const auto before = **coordinator.describe("t");
  const auto adding = add(producer, {orders(1)});
  append_one(ErrorCode::not_enough_replicas);
  EXPECT_EQ(error_of(adding), ErrorCode::coordinator_not_available);
  EXPECT_EQ(**coordinator.describe("t"), before);
  const auto ending = end(producer);
  append_one(ErrorCode::message_too_large);
  EXPECT_EQ(error_of(ending), ErrorCode::unknown_server_error);
  EXPECT_EQ(**coordinator.describe("t"), before);
  EXPECT_TRUE(markers.empty());
  end(producer);
  settle();
  EXPECT_EQ(state(), complete_commit);
}

TEST_F(TransactionRequests, ToVerifyTellPartitionsOfTheOpenTransactionFromOthers) {
  const auto producer = begin("t", {orders(0), orders(1)});
  EXPECT_EQ(verified(producer, {orders(1), orders(2)}),
            (std::vector{ErrorCode::none, ErrorCode::transaction_abortable}));
  add(producer, {orders(2)});
  EXPECT_EQ(verified(producer, {orders(1), orders(2)}),
            (std::vector{ErrorCode::none, ErrorCode::transaction_abortable}))
      << "it is not stored yet";
  append_all();
  EXPECT_EQ(verified(producer, {orders(2)}), std::vector{ErrorCode::none});
  end(producer);
  append_one();
  EXPECT_EQ(verified(producer, {orders(0)}), std::vector{ErrorCode::concurrent_transactions});
  settle();
  EXPECT_EQ(verified(producer, {orders(0)}), std::vector{ErrorCode::transaction_abortable});
}

TEST_F(TransactionRequests, WithANameThatNoRecordHoldsAreAnsweredAndTheCoordinatorLives) {
  const auto producer = begin();
  const auto call = add(producer, {{std::string(40'000, 'x'), PartitionIndex(0)}});
  EXPECT_EQ(error_of(call), ErrorCode::unknown_server_error);
  EXPECT_TRUE(appends.empty());
  end(producer);
  settle();
  EXPECT_EQ(state(), complete_commit);
  EXPECT_EQ(error_of(ask_for_id(std::string(40'000, 'x'))), ErrorCode::unknown_server_error);
}

}  // namespace
}  // namespace millrace::coordinator::test
