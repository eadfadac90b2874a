// InitProducerId: who gets which producer id and epoch, who is fenced. Kafka 3.9.2 was asked the same in the same order,
// up to the last epoch, and answered the same.
#include <gtest/gtest.h>

#include <limits>

#include "test/broker/coordinator/transaction_world.h"

namespace millrace::coordinator::test {
namespace {

constexpr std::int16_t last_epoch = std::numeric_limits<std::int16_t>::max() - 1;

struct ProducerInit : TransactionWorld {
  // The id as a log has it, with an epoch that is nearly used up.
  void load(std::int16_t epoch, TransactionState loaded_state = TransactionState::complete_commit) {
    TransactionMetadata metadata;
    metadata.producer_id = ProducerId(9);
    metadata.producer_epoch = ProducerEpoch(epoch);
    metadata.timeout_ms = 1000;
    metadata.state = loaded_state;
    metadata.start = now;
    metadata.last_update = now;
    if (loaded_state == TransactionState::ongoing) metadata.partitions = {orders(0)};
    log.push_back(*transaction_record("t", metadata));
    reload();
  }
  std::pair<ProducerId, ProducerEpoch> given(TransactionCall call) {
    append_all();
    EXPECT_EQ(error_of(call), ErrorCode::none);
    return {answers[call].producer_id, answers[call].producer_epoch};
  }
  ErrorCode refused(TransactionCall call) {
    EXPECT_TRUE(appends.empty());
    return *error_of(call);
  }
};

TEST_F(ProducerInit, GivesANewIdEpochZeroAndAnswersOnlyWhenThatIsStored) {
  const auto call = ask_for_id();
  ASSERT_EQ(appends.size(), 1U);
  EXPECT_EQ(appends[0].coordinator_epoch, LeaderEpoch(5));
  EXPECT_EQ(appends[0].timestamp, now);
  EXPECT_EQ(appends[0].timeout_ms, 60'000);
  EXPECT_FALSE(error_of(call));
  EXPECT_EQ(given(call), std::pair(ProducerId(4001), ProducerEpoch(0)));
  const auto stored = *transaction_metadata_of(*log.at(0).value);
  EXPECT_EQ(stored.state, TransactionState::empty);
  EXPECT_EQ(stored.last_update, now);
  EXPECT_EQ(stored.start, TimestampMs::none());
}

TEST_F(ProducerInit, BumpsTheEpochOfAnIdThatIsThereAndTakesItsNewTimeout) {
  init();
  const auto call = ask_for_id("t", ProducerId::none(), ProducerEpoch::none(), 5000);
  EXPECT_EQ(given(call), std::pair(ProducerId(4001), ProducerEpoch(1)));
  EXPECT_EQ(transaction_metadata_of(*log.back().value)->timeout_ms, 5000);
}

TEST_F(ProducerInit, RefusesWhatNoClientMaySend) {
  EXPECT_EQ(refused(ask_for_id("")), ErrorCode::invalid_request);
  EXPECT_EQ(refused(ask_for_id("t", ProducerId(1))), ErrorCode::invalid_request);
  EXPECT_EQ(refused(ask_for_id("t", ProducerId::none(), ProducerEpoch(1))), ErrorCode::invalid_request);
  for (const std::int32_t timeout_ms : {0, -1, 900'001}) {
    EXPECT_EQ(refused(ask_for_id("t", ProducerId::none(), ProducerEpoch::none(), timeout_ms)),
              ErrorCode::invalid_transaction_timeout);
  }
  EXPECT_EQ(coordinator.size(), 0U);
  given(ask_for_id("t", ProducerId::none(), ProducerEpoch::none(), 900'000));
}

TEST_F(ProducerInit, TellsClientsToComeAgainWhileARecordIsUnderWay) {
  ask_for_id();
  EXPECT_EQ(*error_of(ask_for_id()), ErrorCode::concurrent_transactions);
  append_all();
  given(ask_for_id());
}

TEST_F(ProducerInit, LetsTwoThatCameForANewIdHaveOneOfTheirOwnEach) {
  const auto first = next_call();
  const auto second = next_call();
  take(coordinator.init_producer_id(first, {"t", 1000}, now));
  take(coordinator.init_producer_id(second, {"t", 1000}, now));
  ASSERT_EQ(id_calls.size(), 2U);
  take(coordinator.on_producer_id(second, ProducerId(70), now));
  take(coordinator.on_producer_id(first, ProducerId(71), now));
  EXPECT_EQ(error_of(first), ErrorCode::concurrent_transactions);
  EXPECT_EQ(given(second), std::pair(ProducerId(70), ProducerEpoch(0)));
}

TEST_F(ProducerInit, SaysWhyThereIsNoProducerId) {
  const auto call = next_call();
  take(coordinator.init_producer_id(call, {"t", 1000}, now));
  take(coordinator.on_producer_id(call, tl::unexpected(ErrorCode::coordinator_not_available), now));
  EXPECT_EQ(error_of(call), ErrorCode::coordinator_not_available);
  take(coordinator.on_producer_id(call, ProducerId(1), now));
  EXPECT_EQ(coordinator.size(), 0U) << "nobody waits for it any more";
}

TEST_F(ProducerInit, SaysWhatAFailedAppendMeansAndKeepsTheIdForTheNextAttempt) {
  const std::pair<ErrorCode, ErrorCode> meanings[] = {
      {ErrorCode::unknown_topic_or_partition, ErrorCode::coordinator_not_available},
      {ErrorCode::not_enough_replicas, ErrorCode::coordinator_not_available},
      {ErrorCode::not_enough_replicas_after_append, ErrorCode::coordinator_not_available},
      {ErrorCode::request_timed_out, ErrorCode::coordinator_not_available},
      {ErrorCode::not_leader_or_follower, ErrorCode::not_coordinator},
      {ErrorCode::kafka_storage_error, ErrorCode::not_coordinator},
      {ErrorCode::message_too_large, ErrorCode::unknown_server_error},
      {ErrorCode::record_list_too_large, ErrorCode::unknown_server_error},
      {ErrorCode::invalid_record, ErrorCode::invalid_record},
  };
  for (const auto& [of_append, of_request] : meanings) {
    const auto call = ask_for_id();
    append_one(of_append);
    EXPECT_EQ(error_of(call), of_request);
    EXPECT_EQ(answers[call].producer_id, ProducerId::none());
    EXPECT_EQ(answers[call].producer_epoch, ProducerEpoch::none());
  }
  EXPECT_EQ(*error_of(add({"t", ProducerId(4001), ProducerEpoch::none()})), ErrorCode::unknown_server_error);
  EXPECT_EQ(given(ask_for_id()), std::pair(ProducerId(4001), ProducerEpoch(0)));
}

TEST_F(ProducerInit, LetsAProducerGoOnThatHasTheCurrentEpochAndAnswersItsRetryTheSame) {
  const auto producer = init();
  const auto bumped = std::pair(producer.id, ProducerEpoch(1));
  EXPECT_EQ(given(ask_for_id("t", producer.id, producer.epoch)), bumped);
  EXPECT_EQ(given(ask_for_id("t", producer.id, producer.epoch)), bumped) << "the first answer was lost";
  EXPECT_EQ(given(ask_for_id("t", producer.id, ProducerEpoch(1))), std::pair(producer.id, ProducerEpoch(2)));
  EXPECT_EQ(refused(ask_for_id("t", producer.id, producer.epoch)), ErrorCode::producer_fenced);
}

TEST_F(ProducerInit, FencesAProducerAfterAnotherHasTakenItsPlace) {
  const auto producer = init();
  init();
  EXPECT_EQ(refused(ask_for_id("t", producer.id, producer.epoch)), ErrorCode::producer_fenced);
  EXPECT_EQ(refused(ask_for_id("t", ProducerId(12), ProducerEpoch(1))), ErrorCode::producer_fenced);
  EXPECT_EQ(*error_of(add(producer)), ErrorCode::producer_fenced);
  EXPECT_EQ(*error_of(end(producer)), ErrorCode::producer_fenced);
}

TEST_F(ProducerInit, GivesAClientWithAnIdOfItsOwnANewOneWhereNothingIsKnown) {
  EXPECT_EQ(given(ask_for_id("t", ProducerId(12), ProducerEpoch(3))), std::pair(ProducerId(4001), ProducerEpoch(0)));
}

TEST_F(ProducerInit, GivesANewProducerIdWhenTheEpochsAreUsedUp) {
  load(last_epoch - 1);
  EXPECT_EQ(given(ask_for_id()), std::pair(ProducerId(9), ProducerEpoch(last_epoch)));
  EXPECT_EQ(given(ask_for_id()), std::pair(ProducerId(4001), ProducerEpoch(0)));
  EXPECT_EQ(refused(ask_for_id("t", ProducerId(9), ProducerEpoch(last_epoch))), ErrorCode::producer_fenced)
      << "the newer client expected nothing";
}

TEST_F(ProducerInit, AnswersTheRetryOfAClientThatHadUsedUpItsEpochs) {
  load(last_epoch);
  const auto rotated = std::pair(ProducerId(4001), ProducerEpoch(0));
  EXPECT_EQ(refused(ask_for_id("t", ProducerId(9), ProducerEpoch(7))), ErrorCode::unknown_server_error)
      << "as in Kafka";
  EXPECT_EQ(given(ask_for_id("t", ProducerId(9), ProducerEpoch(last_epoch))), rotated);
  EXPECT_EQ(given(ask_for_id("t", ProducerId(9), ProducerEpoch(last_epoch))), rotated);
  EXPECT_EQ(refused(ask_for_id("t", ProducerId(9), ProducerEpoch(last_epoch))), ErrorCode::producer_fenced)
      << "once, as in Kafka";
  EXPECT_EQ(given(ask_for_id("t", ProducerId(4001), ProducerEpoch(0))), std::pair(ProducerId(4001), ProducerEpoch(1)));
}

TEST_F(ProducerInit, DoesNotAnswerTheRetryOfAProducerWhoseTransactionWasAborted) {
  const auto first = init();
  const auto [id, epoch] = given(ask_for_id("t", first.id, first.epoch));
  add({"t", id, epoch});
  append_all();
  now = now + 60'001;
  take(coordinator.abort_timed_out(now));
  settle();
  EXPECT_EQ(refused(ask_for_id("t", first.id, first.epoch)), ErrorCode::producer_fenced);
  EXPECT_EQ(refused(ask_for_id("t", id, epoch)), ErrorCode::producer_fenced);
}

TEST_F(ProducerInit, AbortsAnOpenTransactionWithALargerEpochAndLetsTheClientComeAgain) {
  const auto old = begin();
  const auto call = ask_for_id();
  EXPECT_FALSE(error_of(call)) << "the abort is not stored yet";
  EXPECT_TRUE(markers.empty());
  EXPECT_EQ(*error_of(add(old, {orders(1)})), ErrorCode::producer_fenced) << "the epoch is taken at once";
  append_one();
  EXPECT_EQ(error_of(call), ErrorCode::concurrent_transactions);
  EXPECT_EQ(transaction_metadata_of(*log.back().value)->state, TransactionState::prepare_abort);
  ASSERT_EQ(markers.size(), 1U);
  EXPECT_EQ(markers[0].producer_epoch, old.epoch + 1);
  EXPECT_FALSE(markers[0].committed);
  EXPECT_EQ(*error_of(ask_for_id()), ErrorCode::concurrent_transactions) << "the markers are not written";
  settle();
  EXPECT_EQ(given(ask_for_id()), std::pair(old.id, old.epoch + 2)) << "the epoch of the fence belongs to nobody";
}

TEST_F(ProducerInit, DoesNotBumpTheEpochTwiceWhenTheFenceCouldNotBeStored) {
  const auto old = begin();
  const auto call = ask_for_id();
  append_one(ErrorCode::not_enough_replicas);
  EXPECT_EQ(error_of(call), ErrorCode::coordinator_not_available);
  EXPECT_EQ(*error_of(end(old)), ErrorCode::producer_fenced);
  for (int attempt = 0; attempt < 3; ++attempt) {
    ask_for_id();
    append_one(ErrorCode::request_timed_out);
  }
  ask_for_id();
  settle();
  EXPECT_EQ(transaction_metadata_of(*log.back().value)->producer_epoch, old.epoch + 1);
  begin();
  ask_for_id();
  settle();
  EXPECT_EQ(transaction_metadata_of(*log.back().value)->producer_epoch, old.epoch + 3) << "the next fence bumps again";
}

TEST_F(ProducerInit, CanAlwaysFenceTheProducerWithTheLastEpochAndThenGivesANewId) {
  load(last_epoch, TransactionState::ongoing);
  ask_for_id();
  append_one(ErrorCode::not_enough_replicas);
  ask_for_id();
  EXPECT_EQ(*error_of(ask_for_id()), ErrorCode::concurrent_transactions) << "the fence is being stored again";
  settle();
  EXPECT_EQ(transaction_metadata_of(*log.back().value)->producer_epoch, ProducerEpoch(last_epoch + 1));
  EXPECT_EQ(given(ask_for_id()), std::pair(ProducerId(4001), ProducerEpoch(0)));
}

TEST_F(ProducerInit, DoesNotFenceBeyondTheLargestEpochThatALogMayClaim) {
  load(last_epoch + 1, TransactionState::ongoing);
  EXPECT_EQ(refused(ask_for_id()), ErrorCode::unknown_server_error);
  now = now + 10'000;
  take(coordinator.abort_timed_out(now));
  EXPECT_TRUE(appends.empty());
}

TEST_F(ProducerInit, IsRefusedWhereThePartitionIsNotLedOrNotLoaded) {
  take(coordinator.begin_load(LeaderEpoch(6)));
  EXPECT_EQ(refused(ask_for_id()), ErrorCode::coordinator_load_in_progress);
  take(coordinator.unload());
  EXPECT_EQ(refused(ask_for_id()), ErrorCode::not_coordinator);
  EXPECT_EQ(refused(ask_for_id("")), ErrorCode::invalid_request);
}

}  // namespace
}  // namespace millrace::coordinator::test
