#include "broker/coordinator/group_table.h"

#include <gtest/gtest.h>

#include "broker/base/manual_shard.h"
#include "test/broker/coordinator/fake_partition.h"

namespace millrace::coordinator::test {
namespace {

using protocol::ErrorCode;

constexpr PartitionIndex partition_7{7};
constexpr ProducerEpoch producer_epoch{2};

class GroupTableTest : public testing::Test {
 protected:
  // A term over `log` begins and, unless `loads` is false, is served.
  std::shared_ptr<FakePartition> lead(bool loads = true) {
    auto partition = std::make_shared<FakePartition>(shard, log);
    table.on_leading(partition_7, partition);
    if (loads) shard.run();
    return partition;
  }

  // What commits of offset `offset` to topic-0 are answered, once they are.
  std::shared_ptr<std::optional<ErrorCode>> commit(std::int64_t offset, std::string_view group = "group") {
    protocol::OffsetCommitRequest request;
    request.group_id = group;
    auto& topic = request.topics.emplace_back();
    topic.name = "topic";
    topic.partitions.emplace_back().committed_offset = Offset(offset);
    auto answer = std::make_shared<std::optional<ErrorCode>>();
    table.call(partition_7, [&](GroupCoordinator& coordinator, GroupTime time) {
      coordinator.commit(
          request, protocol::Version{9},
          [answer](const protocol::OffsetCommitResponse& response) {
            EXPECT_FALSE(answer->has_value()) << "answered twice";
            *answer = response.topics.at(0).partitions.at(0).error_code;
          },
          time);
    });
    return answer;
  }
  // The same within a transaction of `producer`.
  ErrorCode commit_in_transaction(std::int64_t offset, ProducerId producer) {
    protocol::TxnOffsetCommitRequest request;
    request.group_id = "group";
    request.producer_id = producer;
    request.producer_epoch = producer_epoch;
    auto& topic = request.topics.emplace_back();
    topic.name = "topic";
    topic.partitions.emplace_back().committed_offset = Offset(offset);
    std::optional<ErrorCode> answered;
    table.call(partition_7, [&](GroupCoordinator& coordinator, GroupTime time) {
      coordinator.commit(
          request, std::nullopt,
          [&answered](const protocol::TxnOffsetCommitResponse& response) {
            answered = response.topics.at(0).partitions.at(0).error_code;
          },
          time);
    });
    return answered.value();
  }
  // The offset that is committed for topic-0; -1: none.
  std::int64_t committed(std::string_view group = "group") {
    protocol::OffsetFetchRequest::Group request;
    request.group_id = group;
    auto& topic = request.topics->emplace_back();
    topic.name = "topic";
    topic.partition_indexes = {PartitionIndex(0)};
    return table.call(partition_7, [&](GroupCoordinator& coordinator, GroupTime /*time*/) -> std::int64_t {
      const auto answer = coordinator.fetch(request, false);
      EXPECT_EQ(answer.error_code, ErrorCode::none);
      return answer.topics.at(0).partitions.at(0).committed_offset.value();
    });
  }
  ErrorCode heartbeat(std::string_view group = "group") {
    protocol::HeartbeatRequest request;
    request.group_id = group;
    return table.call(partition_7, [&](GroupCoordinator& coordinator, GroupTime time) {
      return coordinator.heartbeat(request, time);
    });
  }
  std::shared_ptr<std::optional<ErrorCode>> join(std::string_view group = "group") {
    protocol::JoinGroupRequest request;
    request.group_id = group;
    request.session_timeout_ms = 10'000;
    request.rebalance_timeout_ms = 60'000;
    request.protocol_type = "consumer";
    request.protocols.push_back({"range", {}});
    auto answer = std::make_shared<std::optional<ErrorCode>>();
    table.call(partition_7, [&](GroupCoordinator& coordinator, GroupTime time) {
      coordinator.join(
          request, {3, "client", "/127.0.0.1"},
          [answer](const protocol::JoinGroupResponse& response) { *answer = response.error_code; }, time);
    });
    return answer;
  }

  ManualShard shard;
  SeededRandom random{1};
  FakeLog log;
  GroupTableConfig config{};
  GroupTable table{shard, config, random};
};

TEST_F(GroupTableTest, AnswersForPartitionsThatAreNotHereAsTheirFormerLeaderDoes) {
  EXPECT_EQ(heartbeat(), ErrorCode::not_coordinator);
  EXPECT_EQ(heartbeat(""), ErrorCode::invalid_group_id);
  EXPECT_EQ(**commit(1), ErrorCode::not_coordinator);
  EXPECT_EQ(**join(), ErrorCode::not_coordinator);
}

TEST_F(GroupTableTest, SaysThatItLoadsUntilThePartitionIsRead) {
  lead(false);
  EXPECT_EQ(**commit(1), ErrorCode::coordinator_load_in_progress);
  shard.run();
  EXPECT_EQ(**commit(1), ErrorCode::none);
}

TEST_F(GroupTableTest, AnswersWhenTheAppendHasEnded) {
  const auto partition = lead();
  partition->hold_appends = true;
  const auto first = commit(1);
  const auto second = commit(2);
  EXPECT_FALSE(first->has_value());
  EXPECT_EQ(committed(), -1);
  partition->end_append();
  EXPECT_EQ(**first, ErrorCode::none);
  EXPECT_EQ(committed(), 1);
  partition->end_append(ErrorCode::not_enough_replicas);
  EXPECT_EQ(**second, ErrorCode::coordinator_not_available);
  EXPECT_EQ(committed(), 1);
}

TEST_F(GroupTableTest, LosesNoMarkerThatComesWhileItLoads) {
  constexpr ProducerId commits{1};
  constexpr ProducerId aborts{2};
  for (const auto& [producer, is_commit] : {std::pair(commits, true), std::pair(aborts, false)}) {
    const auto before = producer == commits ? -1 : 10;
    lead();
    EXPECT_EQ(commit_in_transaction(producer.value() * 10, producer), ErrorCode::none);
    table.on_resigned(partition_7);
    lead(false);
    table.on_transaction_marker(partition_7, producer, is_commit);
    shard.run();
    EXPECT_EQ(committed(), is_commit ? 10 : before);
    table.on_transaction_marker(partition_7, producer, true);
    EXPECT_EQ(committed(), 10) << "the transaction has ended";
    EXPECT_EQ(**commit(10), ErrorCode::none);
    table.on_resigned(partition_7);
  }
}

TEST_F(GroupTableTest, FindsInTheNextTermWhatItAppendedInTheLast) {
  lead();
  EXPECT_EQ(**commit(5), ErrorCode::none);
  EXPECT_EQ(**commit(6, "other"), ErrorCode::none);
  table.on_resigned(partition_7);
  EXPECT_EQ(heartbeat(), ErrorCode::not_coordinator);
  lead();
  EXPECT_EQ(committed(), 5);
  EXPECT_EQ(committed("other"), 6);
}

TEST_F(GroupTableTest, TellsAnAppendThatTakesTooLongToItsClientAndForgetsItsEnd) {
  const auto partition = lead();
  partition->hold_appends = true;
  const auto answer = commit(1);
  shard.advance(config.commit_timeout - std::chrono::milliseconds(1));
  EXPECT_FALSE(answer->has_value());
  shard.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(**answer, ErrorCode::request_timed_out);
  partition->end_append();
  EXPECT_EQ(committed(), -1);
}

TEST_F(GroupTableTest, DropsAnAppendOfATermThatIsOver) {
  const auto partition = lead();
  partition->hold_appends = true;
  const auto answer = commit(1);
  table.on_resigned(partition_7);
  EXPECT_EQ(**answer, ErrorCode::not_coordinator);
  lead();
  partition->end_append();
  EXPECT_EQ(committed(), -1);
}

TEST_F(GroupTableTest, DropsALoadOfATermThatIsOver) {
  lead();
  EXPECT_EQ(**commit(5), ErrorCode::none);
  table.on_resigned(partition_7);
  const auto old = lead(false);
  const auto now = lead(false);
  shard.run();
  EXPECT_EQ(old->reads, 1);
  EXPECT_EQ(committed(), 5);
  table.on_resigned(partition_7);
  lead(false);
  table.on_resigned(partition_7);
  shard.run();
  EXPECT_EQ(heartbeat(), ErrorCode::not_coordinator);
}

TEST_F(GroupTableTest, ReadsAPartitionThatCannotBeReadAgainAndServesNobodyMeanwhile) {
  lead();
  EXPECT_EQ(**commit(5), ErrorCode::none);
  table.on_resigned(partition_7);
  const auto partition = lead(false);
  partition->read_error = Error{ErrorKind::io, "no"};
  shard.run();
  EXPECT_EQ(**commit(6), ErrorCode::coordinator_load_in_progress);
  partition->read_error.reset();
  shard.advance(std::chrono::seconds(10));
  EXPECT_EQ(partition->reads, 2);
  EXPECT_EQ(committed(), 5);
}

TEST_F(GroupTableTest, SkipsABatchThatMakesNoSense) {
  lead();
  EXPECT_EQ(**commit(5), ErrorCode::none);
  auto unsound = log.batches.front();
  unsound.resize(protocol::batch_header_bytes + 1);
  unsound.back() = 0x7f;  // a record that is longer than its batch
  const auto length = static_cast<std::uint8_t>(unsound.size() - protocol::batch_length_overhead_bytes);
  unsound[11] = length;
  log.batches.insert(log.batches.begin(), unsound);
  table.on_resigned(partition_7);
  lead();
  EXPECT_EQ(committed(), 5);
}

TEST_F(GroupTableTest, CallsTheCoordinatorWhenItsTimeHasCome) {
  lead();
  const auto joined = join();
  EXPECT_FALSE(joined->has_value());
  shard.advance(std::chrono::milliseconds(config.group.group_initial_rebalance_delay_ms));
  EXPECT_EQ(**joined, ErrorCode::none);
}

TEST_F(GroupTableTest, AnswersWhoeverWaitsWhenTheBrokerStopsAndBeginsNothingMore) {
  lead();
  const auto joined = join();
  table.unload_all();
  EXPECT_EQ(**joined, ErrorCode::not_coordinator);
  lead();
  EXPECT_EQ(heartbeat(), ErrorCode::not_coordinator);
  shard.advance(std::chrono::hours(1));
}

TEST_F(GroupTableTest, DropsOffsetsWhoseTimeIsOver) {
  lead();
  EXPECT_EQ(**commit(5), ErrorCode::none);
  shard.advance(std::chrono::milliseconds(config.group.offsets_retention_ms) - std::chrono::minutes(1));
  EXPECT_EQ(committed(), 5);
  shard.advance(std::chrono::minutes(1) + config.retention_check_interval);
  EXPECT_EQ(committed(), -1);
  table.on_resigned(partition_7);
  lead();
  EXPECT_EQ(committed(), -1) << "the log has a tombstone";
}

TEST_F(GroupTableTest, DropsOffsetsOfTopicsThatAreDeleted) {
  lead();
  EXPECT_EQ(**commit(5), ErrorCode::none);
  table.on_partitions_deleted({{"other", PartitionIndex(0)}});
  EXPECT_EQ(committed(), 5);
  table.on_partitions_deleted({{"topic", PartitionIndex(0)}});
  EXPECT_EQ(committed(), -1);
  EXPECT_EQ(**commit(6), ErrorCode::none);
  table.on_resigned(partition_7);
  lead(false);
  table.on_partitions_deleted({{"topic", PartitionIndex(0)}});
  shard.run();
  EXPECT_EQ(committed(), -1) << "deleted while the partition was read";
}

TEST_F(GroupTableTest, CountsOffsetsOfATransactionFromItsMarkerOn) {
  lead();
  EXPECT_EQ(commit_in_transaction(9, ProducerId(7)), ErrorCode::none);
  const auto batch = protocol::parse_batch(log.batches.at(0));
  EXPECT_TRUE(batch->header.attributes.is_transactional());
  EXPECT_EQ(batch->header.producer_id, ProducerId(7));
  EXPECT_EQ(batch->header.producer_epoch, producer_epoch);
  EXPECT_EQ(batch->header.base_sequence, Sequence(0));
  EXPECT_EQ(committed(), -1);
  table.on_transaction_marker(partition_7, ProducerId(7), true);
  EXPECT_EQ(committed(), 9);
}

using GroupTableDeathTest = GroupTableTest;

TEST_F(GroupTableDeathTest, IsNotCalledFromItsOwnAnswers) {
  lead();
  EXPECT_DEATH(table.call(partition_7, [&](GroupCoordinator&, GroupTime) { heartbeat(); }),
               "from one of its own answers");
}

}  // namespace
}  // namespace millrace::coordinator::test
