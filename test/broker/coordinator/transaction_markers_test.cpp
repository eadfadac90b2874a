// Markers: when they go out, to whom, what their answers do, and what a new term does with transactions that wait for
// them.
#include <gtest/gtest.h>

#include "test/broker/coordinator/transaction_world.h"

namespace millrace::coordinator::test {
namespace {

using enum TransactionState;

struct TransactionMarkers : TransactionWorld {
  TransactionProducer ending(const std::vector<TopicPartition>& partitions, bool commit = true) {
    const auto producer = begin("t", partitions);
    end(producer, commit);
    append_one();
    return producer;
  }
  void answer_marker(std::size_t index, std::vector<MarkerOutcome> outcomes) {
    take(coordinator.on_markers_written(markers.at(index).id, outcomes, now));
  }
};

TEST_F(TransactionMarkers, GoOutWhenTheOutcomeIsStoredAndTheClientIsAnsweredThen) {
  const auto producer = begin("t", {orders(0)});
  const auto call = end(producer);
  EXPECT_TRUE(markers.empty());
  EXPECT_FALSE(error_of(call));
  append_one();
  EXPECT_EQ(error_of(call), ErrorCode::none);
  ASSERT_EQ(markers.size(), 1U);
  EXPECT_EQ(markers[0].producer_id, producer.id);
  EXPECT_EQ(markers[0].producer_epoch, producer.epoch);
  EXPECT_EQ(markers[0].coordinator_epoch, LeaderEpoch(5));
  EXPECT_TRUE(markers[0].committed);
}

TEST_F(TransactionMarkers, GoToTheLeadersOfTheirPartitions) {
  leaders.listed[orders(1)] = BrokerId(2);
  ending({orders(0), orders(1), orders(2)}, false);
  ASSERT_EQ(markers.size(), 2U);
  EXPECT_EQ(markers[0].destination, BrokerId(1));
  EXPECT_EQ(markers[0].partitions, (std::vector{orders(0), orders(2)}));
  EXPECT_EQ(markers[1].destination, BrokerId(2));
  EXPECT_EQ(markers[1].partitions, std::vector{orders(1)});
  EXPECT_FALSE(markers[0].committed);
  EXPECT_FALSE(markers[1].committed);
}

TEST_F(TransactionMarkers, CompleteTheTransactionWhenTheLastOneIsWritten) {
  leaders.listed[orders(1)] = BrokerId(2);
  ending({orders(0), orders(1)});
  now = now + 7;
  answer_marker(1, {{orders(1), ErrorCode::none}});
  EXPECT_EQ((*coordinator.describe("t"))->partitions, std::vector{orders(0)});
  EXPECT_TRUE(appends.empty());
  answer_marker(0, {{orders(0), ErrorCode::none}});
  ASSERT_EQ(appends.size(), 1U);
  EXPECT_EQ(state(), prepare_commit);
  append_one();
  const auto stored = *transaction_metadata_of(*log.back().value);
  EXPECT_EQ(stored.state, complete_commit);
  EXPECT_TRUE(stored.partitions.empty());
  EXPECT_EQ(stored.last_update, now - 7) << "when the outcome was stored";
  EXPECT_EQ(logged_states(), (std::vector{empty, ongoing, prepare_commit, complete_commit}));
}

TEST_F(TransactionMarkers, OfATransactionWithoutPartitionsAreNotNeeded) {
  ending({});
  EXPECT_TRUE(markers.empty());
  append_all();
  EXPECT_EQ(state(), complete_commit);
}

TEST_F(TransactionMarkers, AreSentAgainUntilTheyAreWritten) {
  for (const auto error :
       {ErrorCode::unknown_topic_or_partition, ErrorCode::not_leader_or_follower, ErrorCode::not_enough_replicas,
        ErrorCode::not_enough_replicas_after_append, ErrorCode::request_timed_out, ErrorCode::kafka_storage_error,
        ErrorCode::corrupt_message, ErrorCode::unknown_server_error}) {
    log.clear();
    reload();
    ending({orders(0), orders(1)});
    answer_marker(0, {{orders(0), ErrorCode::none}, {orders(1), error}});
    EXPECT_TRUE(coordinator.wants_retry()) << protocol::to_string(error);
    markers.clear();
    leaders.listed[orders(1)] = BrokerId(3);
    take(coordinator.retry(now));
    EXPECT_FALSE(coordinator.wants_retry());
    ASSERT_EQ(markers.size(), 1U);
    EXPECT_EQ(markers[0].destination, BrokerId(3)) << "the leader may be another one now";
    EXPECT_EQ(markers[0].partitions, std::vector{orders(1)});
    settle();
    EXPECT_EQ(state(), complete_commit);
    leaders.listed.clear();
  }
}

TEST_F(TransactionMarkers, ThatAreLostOrWhoseAnswerLeavesThemOutAreSentAgain) {
  ending({orders(0)});
  coordinator.on_markers_lost(markers.at(0).id);
  const auto lost = std::exchange(markers, {});
  take(coordinator.retry(now));
  ASSERT_EQ(markers.size(), 1U);
  take(coordinator.on_markers_written(lost.at(0).id, {{orders(0), ErrorCode::none}}, now));
  EXPECT_TRUE(appends.empty()) << "the answer of the lost one says nothing of the one that is under way";
  answer_marker(0, {{orders(5), ErrorCode::none}});
  EXPECT_TRUE(appends.empty());
  EXPECT_TRUE(coordinator.wants_retry());
  markers.clear();
  take(coordinator.retry(now));
  settle();
  EXPECT_EQ(state(), complete_commit);
}

TEST_F(TransactionMarkers, AreTakenForWrittenWhereTheFormatHasNoTransactions) {
  for (const auto error : {ErrorCode::unsupported_for_message_format, ErrorCode::unsupported_version}) {
    log.clear();
    reload();
    ending({orders(0)});
    answer_marker(0, {{orders(0), error}});
    markers.clear();
    append_all();
    EXPECT_EQ(state(), complete_commit);
  }
}

TEST_F(TransactionMarkers, AreGivenUpWhenTheProducerOrTheCoordinatorIsFenced) {
  for (const auto error : {ErrorCode::invalid_producer_epoch, ErrorCode::transaction_coordinator_fenced}) {
    log.clear();
    reload();
    const auto producer = ending({orders(0), orders(1)});
    answer_marker(0, {{orders(0), error}, {orders(1), ErrorCode::request_timed_out}});
    EXPECT_FALSE(coordinator.wants_retry());
    EXPECT_TRUE(appends.empty());
    EXPECT_EQ(error_of(end(producer)), ErrorCode::concurrent_transactions);
    EXPECT_EQ(state(), prepare_commit);
  }
}

TEST_F(TransactionMarkers, WaitForPartitionsThatHaveNoLeaderAndPassOverThoseThatAreDeleted) {
  leaders.listed[orders(0)] = BrokerId::none();
  leaders.listed[orders(1)] = std::nullopt;
  ending({orders(0), orders(1)});
  EXPECT_TRUE(markers.empty());
  EXPECT_TRUE(appends.empty());
  EXPECT_EQ((*coordinator.describe("t"))->partitions, std::vector{orders(0)});
  take(coordinator.retry(now));
  EXPECT_TRUE(coordinator.wants_retry());
  leaders.listed[orders(0)] = std::nullopt;
  take(coordinator.retry(now));
  append_all();
  EXPECT_EQ(state(), complete_commit);
}

TEST_F(TransactionMarkers, AreFollowedByTheEndUntilThatIsStored) {
  const auto producer = ending({orders(0)});
  write_markers();
  for (const auto error :
       {ErrorCode::not_enough_replicas, ErrorCode::not_leader_or_follower, ErrorCode::message_too_large}) {
    append_one(error);
    EXPECT_EQ(error_of(add(producer)), ErrorCode::concurrent_transactions);
    EXPECT_TRUE(coordinator.wants_retry());
    take(coordinator.retry(now));
    EXPECT_FALSE(coordinator.wants_retry());
  }
  append_all();
  EXPECT_EQ(state(), complete_commit);
}

TEST_F(TransactionMarkers, AreSentAgainByTheNextTerm) {
  for (const bool commit : {true, false}) {
    log.clear();
    reload();
    const auto producer = ending({orders(0), orders(1)}, commit);
    const auto old = markers;
    reload();
    ASSERT_EQ(markers.size(), 1U);
    EXPECT_EQ(markers[0].committed, commit);
    EXPECT_EQ(markers[0].coordinator_epoch, LeaderEpoch(6));
    EXPECT_EQ(markers[0].producer_epoch, producer.epoch);
    EXPECT_EQ(markers[0].partitions, (std::vector{orders(0), orders(1)}));
    take(coordinator.on_markers_written(old.at(0).id, {{orders(0), ErrorCode::none}, {orders(1), ErrorCode::none}},
                                        now));
    EXPECT_TRUE(appends.empty()) << "that was of the last term";
    EXPECT_EQ(error_of(add(producer)), ErrorCode::concurrent_transactions);
    settle();
    EXPECT_EQ(state(), commit ? complete_commit : complete_abort);
  }
}

TEST_F(TransactionMarkers, AreNotSentByANewTermForTransactionsThatAreOpenOrDone) {
  begin("open");
  begin("done");
  end({"done", (*coordinator.describe("done"))->producer_id, (*coordinator.describe("done"))->producer_epoch});
  settle();
  init("new");
  reload();
  EXPECT_TRUE(markers.empty());
  EXPECT_TRUE(appends.empty());
  EXPECT_EQ(state("open"), ongoing);
  EXPECT_EQ(state("done"), complete_commit);
  EXPECT_EQ(state("new"), empty);
}

TEST_F(TransactionMarkers, OfOneTermAreNotSentWhenTheAppendComesBackInAnother) {
  const auto producer = begin();
  const auto call = end(producer);
  const auto append = appends.at(0);
  reload();
  EXPECT_EQ(error_of(call), ErrorCode::not_coordinator);
  take(coordinator.on_appended(append.id, ErrorCode::none, now));
  EXPECT_TRUE(markers.empty());
  EXPECT_EQ(state(), ongoing);
}

TEST_F(TransactionMarkers, DoNotOutliveALeadership) {
  ending({orders(0)});
  const auto id = markers.at(0).id;
  const auto waiting = next_call();
  take(coordinator.init_producer_id(waiting, {"new", 1000}, now));
  take(coordinator.unload());
  EXPECT_EQ(error_of(waiting), ErrorCode::not_coordinator);
  take(coordinator.on_producer_id(waiting, ProducerId(1), now));
  take(coordinator.on_markers_written(id, {{orders(0), ErrorCode::none}}, now));
  coordinator.on_markers_lost(id);
  EXPECT_FALSE(coordinator.wants_retry());
  EXPECT_TRUE(appends.empty());
  EXPECT_EQ(coordinator.size(), 0U);
}

TEST_F(TransactionMarkers, AreNotStartedByALoadThatWasGivenUp) {
  ending({orders(0)});
  markers.clear();
  take(coordinator.begin_load(LeaderEpoch(6)));
  TransactionLoad load;
  for (const auto& record : log) ASSERT_TRUE(load.read_record(record.key, BytesView(*record.value)));
  take(coordinator.unload());
  take(coordinator.finish_load(std::move(load), now));
  EXPECT_TRUE(markers.empty());
  EXPECT_EQ(coordinator.describe("t").error(), ErrorCode::not_coordinator);
}

}  // namespace
}  // namespace millrace::coordinator::test
