// What a group of the new protocol answers and what becomes of it, heartbeat by heartbeat.
#include "broker/coordinator/consumer_groups.h"

#include <gtest/gtest.h>

#include "broker/coordinator/consumer_group_access.h"
#include "test/broker/coordinator/consumer_group_harness.h"

namespace millrace::coordinator::test {
namespace {

struct ConsumerGroupsTest : testing::Test {
  ConsumerGroupsTest() { groups.directory.put("topic", 4); }

  ConsumerGroupHarness groups;

  Beat beat(const std::string& member, std::int32_t epoch, std::optional<AssignedPartitions> owned = std::nullopt) {
    return groups.beat({.member = member, .epoch = epoch, .owned = std::move(owned)});
  }
  AssignedPartitions of_topic(const std::vector<std::int32_t>& numbers) {
    return groups.partitions({{"topic", numbers}});
  }
  [[nodiscard]] std::string state() const { return std::string(to_string(groups.group()->state())); }
};

TEST_F(ConsumerGroupsTest, GiveTheFirstMemberEverything) {
  const Beat joined = groups.join("a");
  EXPECT_EQ(joined.error, ErrorCode::none) << joined.message;
  EXPECT_EQ(joined.answers, 1);
  EXPECT_EQ(joined.member_id, "a");
  EXPECT_EQ(joined.epoch, 1);
  EXPECT_EQ(joined.interval_ms, 5000);
  EXPECT_EQ(joined.assignment, of_topic({0, 1, 2, 3}));
  EXPECT_EQ(state(), "Stable");
  // What has not changed is not said again, unless the member says everything.
  EXPECT_FALSE(beat("a", 1).assignment);
  auto full = joining("a");
  full.epoch = 1;
  full.owned = of_topic({0, 1, 2, 3});
  EXPECT_EQ(groups.beat(full).assignment, of_topic({0, 1, 2, 3}));
}

TEST_F(ConsumerGroupsTest, WriteTheRecordsThatKafkaWrites) {
  groups.join("a");
  std::vector<int> types;
  types.reserve(groups.log.size());
  for (const auto& record : groups.log) types.push_back(record.key[1]);
  EXPECT_EQ(types, (std::vector<int>{5, 4, 3, 7, 6, 8}));
  groups.log.clear();
  beat("a", 1);
  EXPECT_TRUE(groups.log.empty());
}

TEST_F(ConsumerGroupsTest, MovePartitionsOnlyWhenTheirOwnerHasGivenThemUp) {
  groups.join("a");
  const Beat second = groups.join("b");
  EXPECT_EQ(second.epoch, 2);
  EXPECT_EQ(second.assignment, AssignedPartitions{});  // a has everything still
  EXPECT_EQ(state(), "Reconciling");
  const Beat revoke = beat("a", 1);
  EXPECT_EQ(revoke.epoch, 1);
  EXPECT_EQ(revoke.assignment, of_topic({0, 1}));
  EXPECT_FALSE(beat("b", 2).assignment);
  EXPECT_FALSE(beat("a", 1, of_topic({0, 1, 2})).assignment);  // one of two is given up
  const Beat revoked = beat("a", 1, of_topic({0, 1}));
  EXPECT_EQ(revoked.epoch, 2);
  EXPECT_EQ(beat("b", 2).assignment, of_topic({2, 3}));
  EXPECT_EQ(state(), "Stable");
}

TEST_F(ConsumerGroupsTest, TakeBackWhatAMemberLeaves) {
  groups.join("a");
  groups.join("b");
  const Beat left = beat("a", -1);
  EXPECT_EQ(left.error, ErrorCode::none);
  EXPECT_EQ(left.epoch, -1);
  EXPECT_EQ(state(), "Assigning");
  const Beat other = beat("b", 2);
  EXPECT_EQ(other.epoch, 3);
  EXPECT_EQ(other.assignment, of_topic({0, 1, 2, 3}));
  beat("b", -1);
  EXPECT_EQ(state(), "Empty");
}

TEST_F(ConsumerGroupsTest, FenceMembersWithOtherEpochs) {
  EXPECT_EQ(beat("a", 1).error, ErrorCode::group_id_not_found);
  groups.join("a");
  EXPECT_EQ(beat("x", 1).error, ErrorCode::unknown_member_id);
  EXPECT_EQ(beat("x", -1).error, ErrorCode::unknown_member_id);
  EXPECT_EQ(beat("a", 2).error, ErrorCode::fenced_member_epoch);
  EXPECT_EQ(beat("a", 1).error, ErrorCode::none);
  // The answer to its join was lost: it has nothing that it should not have.
  EXPECT_EQ(groups.join("a").epoch, 1);
  groups.join("b");
  beat("a", 1, of_topic({0, 1, 2, 3}));
  EXPECT_EQ(beat("a", 1, of_topic({0, 1})).epoch, 2);
  EXPECT_EQ(beat("a", 1, of_topic({0, 1, 2})).error, ErrorCode::fenced_member_epoch);
  EXPECT_EQ(beat("a", 1).error, ErrorCode::fenced_member_epoch);  // it does not say what it has
  EXPECT_EQ(beat("a", 1, of_topic({0, 1})).epoch, 2);
  EXPECT_EQ(beat("a", 0, AssignedPartitions{}).error, ErrorCode::invalid_request);
}

TEST_F(ConsumerGroupsTest, RefuseRequestsThatCannotBe) {
  const auto message = [&](auto change) {
    BeatInput input = joining("a");
    change(input);
    const Beat refused = groups.beat(input);
    EXPECT_EQ(refused.error, ErrorCode::invalid_request);
    return refused.message;
  };
  EXPECT_EQ(message([](BeatInput& input) { input.group = " "; }), "GroupId can't be empty.");
  EXPECT_EQ(message([](BeatInput& input) { input.member = ""; }), "MemberId can't be empty.");
  EXPECT_EQ(message([](BeatInput& input) { input.instance = ""; }), "InstanceId can't be empty.");
  EXPECT_EQ(message([](BeatInput& input) { input.rack = " "; }), "RackId can't be empty.");
  EXPECT_EQ(message([](BeatInput& input) { input.rebalance_ms = -1; }),
            "RebalanceTimeoutMs must be provided in first request.");
  EXPECT_EQ(message([](BeatInput& input) { input.owned.reset(); }), "TopicPartitions must be empty when (re-)joining.");
  EXPECT_EQ(message([](BeatInput& input) { input.topics.reset(); }),
            "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.");
  EXPECT_EQ(message([](BeatInput& input) { input.epoch = -2; }), "InstanceId can't be null.");
  EXPECT_EQ(message([](BeatInput& input) { input.epoch = -3; }), "MemberEpoch is invalid.");
  BeatInput input = joining("a");
  input.assignor = "sticky";
  const Beat refused = groups.beat(input);
  EXPECT_EQ(refused.error, ErrorCode::unsupported_assignor);
  EXPECT_EQ(refused.message, "ServerAssignor sticky is not supported. Supported assignors: uniform, range.");
  EXPECT_EQ(groups.group(), nullptr);
  // Before version 1 the coordinator makes the id.
  input = joining("");
  input.version = 0;
  EXPECT_EQ(groups.beat(input).member_id.size(), 22U);
}

TEST_F(ConsumerGroupsTest, TakeNoMoreMembersThanTheyMay) {
  ConsumerGroupHarness small({.group_consumer_max_size = 1});
  small.directory.put("topic", 4);
  small.join("a");
  const Beat refused = small.join("b");
  EXPECT_EQ(refused.error, ErrorCode::group_max_size_reached);
  EXPECT_EQ(refused.message, "The consumer group has reached its maximum capacity of 1 members.");
  EXPECT_EQ(small.beat({.member = "a", .epoch = 1}).error, ErrorCode::none);
}

TEST_F(ConsumerGroupsTest, AssignAsMostMembersAsk) {
  groups.directory.put("other", 4);
  auto input = joining("a", {"other", "topic"});
  input.assignor = "range";
  groups.beat(input);
  const Beat second = groups.join("b", {"other", "topic"});
  EXPECT_EQ(groups.group()->target("a"), groups.partitions({{"topic", {0, 1}}, {"other", {0, 1}}}));
  groups.describe("group", [](const auto& answer) { EXPECT_EQ(answer.assignor_name, "range"); });
}

TEST_F(ConsumerGroupsTest, FollowTheirTopics) {
  groups.join("a", {"later", "topic"});
  groups.directory.put("topic", 5);
  const Beat grown = beat("a", 1);
  EXPECT_EQ(grown.epoch, 2);
  EXPECT_EQ(grown.assignment, of_topic({0, 1, 2, 3, 4}));
  groups.directory.put("later", 1);
  EXPECT_EQ(beat("a", 2).assignment, groups.partitions({{"topic", {0, 1, 2, 3, 4}}, {"later", {0}}}));
  const auto gone = groups.partitions({{"topic", {0, 1, 2, 3, 4}}});
  groups.directory.erase("topic");
  const Beat revoke = beat("a", 3);
  EXPECT_EQ(revoke.epoch, 3);
  EXPECT_EQ(revoke.assignment, groups.partitions({{"later", {0}}}));
  EXPECT_EQ(beat("a", 3, groups.partitions({{"later", {0}}})).epoch, 4);
  // A topic that concerns nobody changes nothing.
  groups.directory.put("unknown", 9);
  EXPECT_EQ(beat("a", 4).epoch, 4);
  EXPECT_FALSE(beat("a", 4).assignment);
}

TEST_F(ConsumerGroupsTest, FollowSubscriptions) {
  groups.directory.put("other", 1);
  groups.join("a");
  const Beat changed = groups.beat({.member = "a", .epoch = 1, .topics = std::vector<std::string>{"other"}});
  EXPECT_EQ(changed.epoch, 1);
  EXPECT_EQ(changed.assignment, AssignedPartitions{});
  EXPECT_EQ(beat("a", 1, AssignedPartitions{}).assignment, groups.partitions({{"other", {0}}}));
}

TEST_F(ConsumerGroupsTest, SubscribeByPattern) {
  groups.directory.put("top", 1);
  auto input = joining("a");
  input.topics.reset();
  input.pattern = "top.+";
  EXPECT_EQ(groups.beat(input).assignment, of_topic({0, 1, 2, 3}));
  EXPECT_TRUE(groups.group()->is_subscribed_to("topic"));
  EXPECT_FALSE(groups.group()->is_subscribed_to("top"));
  // New topics are looked for every ten seconds.
  groups.directory.put("topic2", 1);
  EXPECT_EQ(beat("a", 1).epoch, 1);
  groups.advance(10'000);
  EXPECT_EQ(beat("a", 1).assignment, groups.partitions({{"topic", {0, 1, 2, 3}}, {"topic2", {0}}}));
  // What the client must not see is not found.
  groups.may_describe = [](std::string_view topic) { return topic != "topic"; };
  auto other = joining("b");
  other.topics.reset();
  other.pattern = "t.*";
  groups.beat(other);
  EXPECT_EQ(groups.group()->patterns().at("t.*").topics, (std::vector<std::string>{"top", "topic2"}));
  groups.reload();
  EXPECT_EQ(groups.group()->patterns().at("t.*").topics, (std::vector<std::string>{"top", "topic2"}));
  // It goes with its last subscriber.
  beat("b", -1);
  EXPECT_FALSE(groups.group()->patterns().contains("t.*"));
  other.pattern = "(";
  other.member = "c";
  const Beat refused = groups.beat(other);
  EXPECT_EQ(refused.error, ErrorCode::invalid_regular_expression);
  EXPECT_EQ(refused.message, "SubscribedTopicRegex `(` is not a valid regular expression: missing ): (.");
  EXPECT_EQ(groups.group()->find("c"), nullptr);
}

TEST_F(ConsumerGroupsTest, DropSilentMembers) {
  groups.join("a");
  groups.join("b");
  groups.advance(44'000);
  EXPECT_EQ(beat("a", 1).error, ErrorCode::none);
  groups.advance(1'000);
  EXPECT_EQ(groups.group()->find("b"), nullptr);
  EXPECT_NE(groups.group()->find("a"), nullptr);
  groups.advance(44'000);
  EXPECT_EQ(groups.group()->members().size(), 0U);
}

TEST_F(ConsumerGroupsTest, DropMembersThatDoNotGiveUpTheirPartitions) {
  groups.join("a");
  groups.join("b");
  EXPECT_EQ(beat("a", 1).assignment, of_topic({0, 1}));
  for (int second = 0; second < 12; ++second) {
    groups.advance(5'000);
    beat("b", 2);
    if (second < 11) EXPECT_EQ(beat("a", 1, of_topic({0, 1, 2, 3})).error, ErrorCode::none);
  }
  EXPECT_EQ(beat("a", 1, of_topic({0, 1, 2, 3})).error, ErrorCode::unknown_member_id);
  EXPECT_EQ(groups.group()->find("b")->assigned, of_topic({0, 1, 2, 3}));
}

TEST_F(ConsumerGroupsTest, KeepThePlacesOfStaticMembers) {
  auto input = joining("a");
  input.instance = "i";
  groups.beat(input);
  input.member = "b";
  const Beat early = groups.beat(input);
  EXPECT_EQ(early.error, ErrorCode::unreleased_instance_id);
  EXPECT_EQ(early.message,
            "Static member b with instance id i cannot join the group because the instance id is owned by a member.");
  const Beat left = groups.beat({.member = "a", .epoch = -2, .instance = "i"});
  EXPECT_EQ(left.error, ErrorCode::none);
  EXPECT_EQ(left.epoch, -2);
  EXPECT_EQ(groups.group()->epoch(), 1);
  const Beat back = groups.beat(input);
  EXPECT_EQ(back.epoch, 1);
  EXPECT_EQ(back.assignment, of_topic({0, 1, 2, 3}));
  EXPECT_EQ(groups.group()->epoch(), 1);
  EXPECT_EQ(groups.beat({.member = "a", .epoch = 1, .instance = "i"}).error, ErrorCode::fenced_instance_id);
  EXPECT_EQ(groups.beat({.member = "a", .epoch = 1, .instance = "j"}).error, ErrorCode::unknown_member_id);
  EXPECT_EQ(groups.beat({.member = "b", .epoch = 1, .instance = "i"}).error, ErrorCode::none);
  // It does not come back in time.
  groups.beat({.member = "b", .epoch = -2, .instance = "i"});
  groups.advance(45'000);
  EXPECT_EQ(groups.group()->members().size(), 0U);
  EXPECT_EQ(groups.group()->find_static("i"), nullptr);
}

TEST_F(ConsumerGroupsTest, CheckTheEpochsOfOffsets) {
  groups.join("a");
  const ConsumerGroup& group = *groups.group();
  const auto commit = [&](std::string_view id, std::int32_t epoch, protocol::Version version = 9) {
    return check_commit(group, {.member_id = id, .member_epoch = epoch, .version = version});
  };
  const auto commit_in_transaction = [&](std::string_view id, std::int32_t epoch, bool names_instance = false) {
    return check_commit(group, {id, epoch, names_instance, true});
  };
  EXPECT_EQ(commit("a", 1), ErrorCode::none);
  EXPECT_EQ(commit("a", 0), ErrorCode::stale_member_epoch);
  EXPECT_EQ(commit("a", 1, 8), ErrorCode::unsupported_version);
  EXPECT_EQ(commit("b", 1), ErrorCode::unknown_member_id);
  EXPECT_EQ(commit("", -1), ErrorCode::unknown_member_id);
  EXPECT_EQ(commit_in_transaction("a", 1), ErrorCode::none);
  EXPECT_EQ(commit_in_transaction("a", 2), ErrorCode::illegal_generation);
  EXPECT_EQ(commit_in_transaction("b", 2), ErrorCode::unknown_member_id);
  EXPECT_EQ(commit_in_transaction("", -1), ErrorCode::none);
  EXPECT_EQ(commit_in_transaction("", -1, true), ErrorCode::unknown_member_id);
  EXPECT_EQ(check_fetch(group, std::nullopt, -1), ErrorCode::none);
  EXPECT_EQ(check_fetch(group, "a", 1), ErrorCode::none);
  EXPECT_EQ(check_fetch(group, "a", 2), ErrorCode::stale_member_epoch);
  EXPECT_EQ(check_fetch(group, "b", 1), ErrorCode::unknown_member_id);
  beat("a", -1);
  EXPECT_EQ(commit("", -1), ErrorCode::none);
}

TEST_F(ConsumerGroupsTest, SayWhatTheyAre) {
  auto input = joining("a");
  input.rack = "r";
  groups.beat(input);
  groups.join("b");
  groups.describe("group", [](const auto& answer) {
    EXPECT_EQ(answer.error_code, ErrorCode::none);
    EXPECT_EQ(answer.group_state, "Reconciling");
    EXPECT_EQ(answer.group_epoch, 2);
    EXPECT_EQ(answer.assignment_epoch, 2);
    EXPECT_EQ(answer.assignor_name, "uniform");
    ASSERT_EQ(answer.members.size(), 2U);
    EXPECT_EQ(answer.members[0].rack_id, "r");
    EXPECT_EQ(answer.members[0].client_host, "/127.0.0.1");
    EXPECT_EQ(answer.members[0].assignment.topic_partitions.at(0).topic_name, "topic");
    EXPECT_EQ(answer.members[0].assignment.topic_partitions.at(0).partitions.size(), 4U);
    EXPECT_EQ(answer.members[0].target_assignment.topic_partitions.at(0).partitions.size(), 2U);
    EXPECT_EQ(answer.members[1].subscribed_topic_names.at(0), "topic");
    EXPECT_EQ(answer.members[1].member_type, protocol::GroupMemberType::consumer);
  });
  groups.describe("other", [](const auto& answer) {
    EXPECT_EQ(answer.error_code, ErrorCode::group_id_not_found);
    EXPECT_EQ(answer.error_message, "Group other not found.");
  });
}

TEST_F(ConsumerGroupsTest, AnswerWhenTheLogHasIt) {
  groups.hold_appends = true;
  const auto first = groups.send(joining("a"));
  const auto second = groups.send(joining("b"));
  const auto third = groups.send(joining("c"));
  EXPECT_EQ(first->answers + second->answers + third->answers, 0);
  EXPECT_EQ(groups.wanted.size(), 1U);
  groups.append_next();
  EXPECT_EQ(first->answers, 1);
  ASSERT_EQ(groups.wanted.size(), 1U);  // who waited goes together
  groups.append_next();
  EXPECT_EQ(second->epoch, 2);
  EXPECT_EQ(third->epoch, 3);
  EXPECT_TRUE(groups.wanted.empty());
}

TEST_F(ConsumerGroupsTest, SayEverythingAnewAfterAFailedAppend) {
  groups.join("a");
  groups.hold_appends = true;
  const auto failed = groups.send(joining("b"));
  groups.append_next(ErrorCode::not_enough_replicas);
  EXPECT_EQ(failed->error, ErrorCode::coordinator_not_available);
  groups.hold_appends = false;
  EXPECT_EQ(beat("a", 1).assignment, of_topic({0, 1}));
  EXPECT_EQ(groups.join("b").epoch, 2);  // it asks again
  // One that leaves, of whom the log may know or not.
  groups.hold_appends = true;
  const auto left = groups.send({.member = "b", .epoch = -1});
  groups.append_next(ErrorCode::not_enough_replicas);
  groups.hold_appends = false;
  EXPECT_EQ(left->error, ErrorCode::coordinator_not_available);
  beat("a", 1, of_topic({0, 1}));
  const auto before = *groups.group();
  groups.reload();
  EXPECT_EQ(groups.group()->members(), before.members());
  EXPECT_EQ(groups.group()->epoch(), before.epoch());
  EXPECT_EQ(groups.group()->target("a"), before.target("a"));
}

TEST_F(ConsumerGroupsTest, StartAnewFromTheLog) {
  groups.join("a");
  groups.join("b");
  beat("a", 1);
  const auto waits = [&] {
    groups.hold_appends = true;
    auto beat = groups.send({.member = "a", .epoch = 1, .owned = of_topic({0, 1})});
    return beat;
  }();
  groups.hold_appends = false;
  groups.reload();
  EXPECT_EQ(waits->error, ErrorCode::not_coordinator);
  EXPECT_EQ(state(), "Reconciling");
  EXPECT_EQ(groups.group()->find("a")->state, MemberState::unrevoked_partitions);
  EXPECT_EQ(beat("a", 1, of_topic({0, 1})).epoch, 2);
  EXPECT_EQ(beat("b", 2).assignment, of_topic({2, 3}));
  // Sessions begin anew, too.
  groups.reload();
  groups.advance(45'000);
  EXPECT_EQ(state(), "Empty");
}

TEST_F(ConsumerGroupsTest, GoWithTombstones) {
  auto input = joining("a");
  input.pattern = "t.*";
  groups.beat(input);
  groups.dissolve();
  EXPECT_EQ(groups.group(), nullptr);
  groups.reload();
  EXPECT_EQ(groups.group(), nullptr);
  EXPECT_EQ(groups.join("a").epoch, 1);
}

}  // namespace
}  // namespace millrace::coordinator::test
