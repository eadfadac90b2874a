#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/broker/coordinator/group_harness.h"

namespace millrace::coordinator {
namespace {

using namespace test;

TEST(OffsetCommit, CountsOnceItIsInTheLog) {
  GroupHarness groups;
  const auto member = groups.stable_group(1).front()->member;
  groups.hold_appends = true;
  const auto committed =
      groups.commit({.member = member, .generation = 1, .offset = 5, .metadata = "note", .leader_epoch = 3});
  EXPECT_EQ(committed->answers, 0);
  EXPECT_EQ(groups.fetch().offset, -1);
  EXPECT_EQ(groups.fetch("topic", 0, "group", true).error, ErrorCode::unstable_offset_commit);
  groups.append_next();
  EXPECT_EQ(committed->answers, 1);
  EXPECT_EQ(committed->error(), ErrorCode::none);
  const auto fetched = groups.fetch("topic", 0, "group", true);
  EXPECT_EQ(fetched.offset, 5);
  EXPECT_EQ(fetched.leader_epoch, 3);
  EXPECT_EQ(fetched.metadata, "note");
}

TEST(OffsetCommit, IsWrittenAsKafkaWritesIt) {
  GroupHarness groups;
  groups.commit({.offset = 5, .metadata = "note", .leader_epoch = 3});
  ASSERT_EQ(groups.log.size(), 1);
  const auto& append = groups.log.front().append;
  EXPECT_EQ(append.base_sequence, Sequence(0));
  EXPECT_FALSE(append.is_transactional());
  EXPECT_EQ(append.timestamp, groups.time.wall);
  const auto value = decode_offset_value(*append.records.front().value);
  EXPECT_EQ(value->commit_timestamp, groups.time.wall);
  EXPECT_EQ(value->expire_timestamp, TimestampMs::none());
  groups.commit({.retention_ms = 1'000, .timestamp = 77});
  const auto expiring = decode_offset_value(*groups.log.back().append.records.front().value);
  EXPECT_EQ(expiring->commit_timestamp, TimestampMs(77));
  EXPECT_EQ(expiring->expire_timestamp, groups.time.wall + 1'000);
  EXPECT_EQ(groups.log.back().append.records.front().value->at(1), 1) << "version 1 has room for an expiry";
}

TEST(OffsetCommit, RefusesWhatKafkaRefuses) {
  GroupHarness groups;
  EXPECT_EQ(groups.commit({.member = "member", .generation = 1})->error(), ErrorCode::illegal_generation);
  EXPECT_EQ(groups.coordinator->group_count(), 0);
  EXPECT_EQ(groups.commit({.group = ""})->error(), ErrorCode::none) << "an empty id is an id here";
  const auto members = groups.stable_group(2);
  const auto& member = members[0]->member;
  EXPECT_EQ(groups.commit({})->error(), ErrorCode::unknown_member_id)
      << "a group with members takes offsets from them only";
  EXPECT_EQ(groups.commit({.member = "stranger", .generation = 1})->error(), ErrorCode::unknown_member_id);
  EXPECT_EQ(groups.commit({.member = member, .generation = 0})->error(), ErrorCode::illegal_generation);
  EXPECT_EQ(groups.commit({.member = member, .generation = 2})->error(), ErrorCode::illegal_generation);
  EXPECT_EQ(groups.commit({.member = member, .generation = -1})->error(), ErrorCode::illegal_generation);
  EXPECT_EQ(groups.commit({.member = member, .generation = 1, .instance = "nobody"})->error(),
            ErrorCode::unknown_member_id);
  EXPECT_EQ(groups.fetch().offset, -1);
  EXPECT_EQ(groups.commit({.member = member, .generation = 1})->error(), ErrorCode::none);
  groups.leave(members[1]->member);
  EXPECT_EQ(groups.commit({.member = member, .generation = 1})->error(), ErrorCode::none)
      << "what it did before the rebalance";
  groups.join({.member = member});
  ASSERT_EQ(groups.state(), "CompletingRebalance");
  EXPECT_EQ(groups.commit({.member = member, .generation = 2})->error(), ErrorCode::rebalance_in_progress);
  EXPECT_EQ(groups.commit({.member = member, .generation = 2, .producer = 1})->error(), ErrorCode::none);
}

TEST(OffsetCommit, OfAMemberShowsThatItLives) {
  GroupHarness groups;
  const auto member = groups.stable_group(1, {.session_ms = 10'000}).front()->member;
  for (int count = 0; count < 5; ++count) {
    groups.advance(9'000);
    ASSERT_EQ(groups.commit({.member = member, .generation = 1})->error(), ErrorCode::none);
  }
  EXPECT_EQ(groups.state(), "Stable");
}

TEST(OffsetCommit, BoundsMetadataInUtf16Units) {
  GroupHarness groups({.offset_metadata_max_bytes = 4});
  EXPECT_EQ(groups.commit({.offset = 1, .metadata = "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"})->error(), ErrorCode::none);
  EXPECT_EQ(groups.commit({.offset = 2, .metadata = "five!"})->error(), ErrorCode::offset_metadata_too_large);
  EXPECT_EQ(groups.commit({.offset = 2, .metadata = "\xf0\x9d\x84\x9e\xf0\x9d\x84\x9e!"})->error(),
            ErrorCode::offset_metadata_too_large);
  EXPECT_EQ(groups.fetch().offset, 1);
  EXPECT_EQ(groups.log.size(), 1);
}

TEST(OffsetCommit, KeepsWhatIsWellWhenSomethingElseIsTooLarge) {
  GroupHarness groups({.offset_metadata_max_bytes = 4});
  protocol::OffsetCommitRequest request;
  request.group_id = "group";
  auto& topic = request.topics.emplace_back();
  topic.name = "topic";
  topic.partitions.resize(3);
  for (int index = 0; index < 3; ++index) {
    topic.partitions[static_cast<std::size_t>(index)].partition_index = PartitionIndex(index % 2);
    topic.partitions[static_cast<std::size_t>(index)].committed_offset = Offset(10 + index);
  }
  topic.partitions[1].committed_metadata = "large";
  std::vector<std::pair<std::int32_t, ErrorCode>> answered;
  groups.coordinator->commit(
      request, protocol::Version{9},
      [&](const protocol::OffsetCommitResponse& response) {
        for (const auto& partition : response.topics.front().partitions)
          answered.emplace_back(partition.partition_index.value(), partition.error_code);
      },
      groups.time);
  groups.settle();
  EXPECT_THAT(answered, testing::ElementsAre(testing::Pair(0, ErrorCode::none),
                                             testing::Pair(1, ErrorCode::offset_metadata_too_large)));
  EXPECT_EQ(groups.fetch("topic", 0).offset, 12) << "of a partition that is named twice the last counts";
  EXPECT_EQ(groups.fetch("topic", 1).offset, -1);
}

TEST(OffsetCommit, ThatIsNotStoredDoesNotCount) {
  std::vector<std::pair<ErrorCode, ErrorCode>> errors(common_append_errors.begin(), common_append_errors.end());
  errors.insert(errors.end(), {{ErrorCode::message_too_large, ErrorCode::invalid_commit_offset_size},
                               {ErrorCode::network_exception, ErrorCode::coordinator_load_in_progress},
                               {ErrorCode::request_timed_out, ErrorCode::request_timed_out}});
  for (const auto& [append_error, error] : errors) {
    for (const std::int64_t producer : {-1, 7}) {
      GroupHarness groups;
      groups.commit({.offset = 1});
      groups.hold_appends = true;
      const auto committed = groups.commit({.offset = 2, .producer = producer});
      groups.append_next(append_error);
      EXPECT_EQ(committed->error(), error);
      EXPECT_EQ(groups.fetch("topic", 0, "group", true).offset, 1);
      groups.end_transaction(7, true);
      EXPECT_EQ(groups.fetch().offset, 1);
    }
  }
}

TEST(OffsetCommit, TheLaterInTheLogCountsHoweverTheyAreReported) {
  GroupHarness groups;
  groups.hold_appends = true;
  groups.commit({.offset = 1});
  groups.commit({.offset = 2});
  const auto first = groups.wanted[0].id;
  const auto second = groups.wanted[1].id;
  groups.coordinator->on_appended(second, {ErrorCode::none, Offset(11)}, groups.time);
  EXPECT_EQ(groups.fetch().offset, 2);
  EXPECT_EQ(groups.fetch("topic", 0, "group", true).error, ErrorCode::unstable_offset_commit);
  groups.coordinator->on_appended(first, {ErrorCode::none, Offset(10)}, groups.time);
  EXPECT_EQ(groups.fetch("topic", 0, "group", true).offset, 2);
}

TEST(TransactionalOffset, CountsFromTheCommitMarkerOn) {
  for (const bool commit : {true, false}) {
    GroupHarness groups;
    groups.commit({.offset = 1});
    EXPECT_EQ(groups.commit({.offset = 2, .producer = 7, .epoch = 3})->error(), ErrorCode::none);
    EXPECT_EQ(groups.fetch().offset, 1);
    EXPECT_EQ(groups.fetch("topic", 0, "group", true).error, ErrorCode::unstable_offset_commit);
    EXPECT_EQ(groups.fetch("topic", 1, "group", true).error, ErrorCode::none);
    const auto& append = groups.log.back().append;
    EXPECT_EQ(append.producer_id, ProducerId(7));
    EXPECT_EQ(append.producer_epoch, ProducerEpoch(3));
    groups.end_transaction(8, commit);
    EXPECT_EQ(groups.fetch().offset, 1) << "another producer's";
    groups.end_transaction(7, commit);
    EXPECT_EQ(groups.fetch("topic", 0, "group", true).offset, commit ? 2 : 1);
    groups.reload();
    EXPECT_EQ(groups.fetch("topic", 0, "group", true).offset, commit ? 2 : 1);
  }
}

TEST(TransactionalOffset, DoesNotUndoWhatWasCommittedBehindIt) {
  GroupHarness groups;
  groups.commit({.offset = 2, .producer = 7});
  groups.commit({.offset = 3});
  groups.end_transaction(7, true);
  EXPECT_EQ(groups.fetch().offset, 3) << "the later in the log counts, as it does after compaction";
  groups.reload();
  EXPECT_EQ(groups.fetch().offset, 3);
}

TEST(TransactionalOffset, CountsThoughItsOwnReportComesAfterTheMarker) {
  GroupHarness groups;
  groups.hold_appends = true;
  const auto committed = groups.commit({.offset = 2, .producer = 7});
  groups.coordinator->complete_transaction(ProducerId(7), true);
  EXPECT_EQ(groups.fetch("topic", 0, "group", true).error, ErrorCode::unstable_offset_commit);
  groups.append_next();
  EXPECT_EQ(committed->error(), ErrorCode::none);
  EXPECT_EQ(groups.fetch("topic", 0, "group", true).offset, 2);
}

TEST(TransactionalOffset, OfTwoInOneTransactionTheLastCounts) {
  GroupHarness groups;
  groups.hold_appends = true;
  groups.commit({.offset = 1, .producer = 7});
  groups.commit({.offset = 2, .producer = 7});
  groups.append_next();
  groups.append_next(ErrorCode::not_enough_replicas);
  groups.commit({.offset = 3, .producer = 7});
  groups.append_next();
  groups.end_transaction(7, true);
  EXPECT_EQ(groups.fetch().offset, 3);
}

TEST(TransactionalOffset, MakesItsGroupAndChecksItsMember) {
  GroupHarness groups;
  EXPECT_EQ(groups.commit({.group = "", .producer = 7})->error(), ErrorCode::invalid_group_id);
  EXPECT_EQ(groups.commit({.group = "new", .member = "stranger", .generation = 3, .producer = 7})->error(),
            ErrorCode::unknown_member_id);
  EXPECT_EQ(groups.state("new"), "Empty");
  const auto member = groups.stable_group(1).front()->member;
  EXPECT_EQ(groups.commit({.producer = 7})->error(), ErrorCode::none) << "old clients name no member";
  EXPECT_EQ(groups.commit({.member = member, .generation = 1, .producer = 7})->error(), ErrorCode::none);
  EXPECT_EQ(groups.commit({.member = member, .generation = 0, .producer = 7})->error(), ErrorCode::illegal_generation);
  EXPECT_EQ(groups.commit({.member = "stranger", .generation = 1, .producer = 7})->error(),
            ErrorCode::unknown_member_id);
}

TEST(OffsetFetch, AnswersAllPartitionsOfAGroupOrThoseThatAreAsked) {
  GroupHarness groups;
  groups.commit({.topic = "b", .partition = 1, .offset = 21});
  groups.commit({.topic = "a", .partition = 0, .offset = 10});
  groups.commit({.topic = "b", .partition = 0, .offset = 20});
  protocol::OffsetFetchRequest::Group request;
  request.group_id = "group";
  request.topics.reset();
  const auto all = groups.coordinator->fetch(request, false);
  ASSERT_EQ(all.topics.size(), 2);
  EXPECT_EQ(all.topics[0].name, "a");
  ASSERT_EQ(all.topics[1].partitions.size(), 2);
  EXPECT_EQ(all.topics[1].partitions[1].committed_offset, Offset(21));
  const auto missing = groups.fetch("c", 9);
  EXPECT_EQ(missing.error, ErrorCode::none);
  EXPECT_EQ(missing.offset, -1);
  EXPECT_EQ(missing.leader_epoch, -1);
  EXPECT_EQ(missing.metadata, "");
  EXPECT_EQ(groups.fetch("a", 0, "nowhere").offset, -1);
  request.group_id = "nowhere";
  EXPECT_TRUE(groups.coordinator->fetch(request, false).topics.empty());
}

template <class Request>
Request named_twice() {
  Request request;
  request.group_id = "group";
  for (const std::int32_t index : {0, 1, 0}) {
    auto& topic = request.topics.emplace_back();
    topic.name = index == 1 ? "other" : "topic";
    for (const std::int32_t each : {index, index, 7})
      topic.partitions.emplace_back().partition_index = PartitionIndex(each);
  }
  return request;
}

template <class Topics>
std::vector<std::pair<std::string, std::vector<std::int32_t>>> named(const Topics& topics) {
  std::vector<std::pair<std::string, std::vector<std::int32_t>>> names;
  for (const auto& topic : topics) {
    auto& [name, partitions] = names.emplace_back();
    name = topic.name;
    for (const auto& partition : topic.partitions) partitions.push_back(partition.partition_index.value());
  }
  return names;
}

TEST(Offsets, AreAnsweredOnceHoweverOftenTheyAreNamed) {
  GroupHarness groups;
  const decltype(named(protocol::OffsetCommitResponse{}.topics)) expected{{"topic", {0, 7}}, {"other", {1, 7}}};
  int answers = 0;
  groups.coordinator->commit(
      named_twice<protocol::OffsetCommitRequest>(), protocol::Version{9},
      [&](const protocol::OffsetCommitResponse& response) {
        ++answers;
        EXPECT_EQ(named(response.topics), expected);
      },
      groups.time);
  groups.settle();
  protocol::OffsetFetchRequest::Group request;
  request.group_id = "group";
  for (const auto* name : {"topic", "other", "topic"}) {
    auto& topic = request.topics->emplace_back();
    topic.name = name;
    const PartitionIndex first(topic.name == "other" ? 1 : 0);
    topic.partition_indexes = {first, first, PartitionIndex(7)};
  }
  EXPECT_EQ(named(groups.coordinator->fetch(request, false).topics), expected);
  groups.coordinator->delete_offsets(
      named_twice<protocol::OffsetDeleteRequest>(),
      [&](const protocol::OffsetDeleteResponse& response) {
        ++answers;
        EXPECT_EQ(named(response.topics), expected);
      },
      groups.time);
  groups.settle();
  EXPECT_EQ(answers, 2);
}

TEST(TransactionalOffset, ThatFailsDoesNotTakeTheNextOneWithIt) {
  GroupHarness groups;
  groups.hold_appends = true;
  groups.commit({.offset = 1, .producer = 7});
  groups.commit({.offset = 2, .producer = 7});
  groups.append_next(ErrorCode::not_enough_replicas);
  groups.append_next();
  groups.end_transaction(7, true);
  EXPECT_EQ(groups.fetch().offset, 2);
}

}  // namespace
}  // namespace millrace::coordinator
