// SyncGroup, Heartbeat, LeaveGroup, and the sessions behind them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/broker/coordinator/group_harness.h"

namespace millrace::coordinator {
namespace {

using namespace test;
using testing::ElementsAre;

// Two members that have their generation and no assignment yet.
struct Completing {
  explicit Completing(GroupHarness& groups)
      : leader(groups.join({.session_ms = 10'000, .rebalance_ms = 20'000})),
        follower(groups.join({.session_ms = 10'000, .rebalance_ms = 20'000})) {
    groups.advance(6'000);
    EXPECT_EQ(groups.state(), "CompletingRebalance");
  }
  JoinedPointer leader;
  JoinedPointer follower;
};

TEST(GroupSync, EveryMemberGetsWhatTheLeaderAssignsOnceItIsInTheLog) {
  GroupHarness groups;
  const Completing members(groups);
  groups.hold_appends = true;
  const auto follower = groups.sync(members.follower->member, 1);
  const auto leader =
      groups.sync(members.leader->member, 1,
                  {{members.leader->member, "one"}, {members.follower->member, "two"}, {"stranger", "x"}});
  EXPECT_EQ(leader->answers + follower->answers, 0);
  EXPECT_EQ(groups.state(), "CompletingRebalance");
  groups.append_next();
  EXPECT_EQ(leader->answers, 1);
  EXPECT_EQ(leader->assignment, "one");
  EXPECT_EQ(leader->type, "consumer");
  EXPECT_EQ(leader->protocol, "range");
  EXPECT_EQ(follower->answers, 1);
  EXPECT_EQ(follower->assignment, "two");
  EXPECT_EQ(groups.state(), "Stable");
}

TEST(GroupSync, WhoAsksLaterGetsTheSameAssignment) {
  GroupHarness groups;
  const Completing members(groups);
  groups.sync(members.leader->member, 1, {{members.follower->member, "two"}});
  for (int count = 0; count < 2; ++count) {
    const auto late = groups.sync(members.follower->member, 1);
    EXPECT_EQ(late->error, ErrorCode::none);
    EXPECT_EQ(late->assignment, "two");
  }
  EXPECT_EQ(groups.sync(members.leader->member, 1)->assignment, "") << "who is left out gets nothing";
}

TEST(GroupSync, ASecondAssignmentOfAGenerationDoesNotReplaceTheFirst) {
  GroupHarness groups;
  const Completing members(groups);
  groups.hold_appends = true;
  const auto first = groups.sync(members.leader->member, 1, {{members.leader->member, "first"}});
  const auto second = groups.sync(members.leader->member, 1, {{members.leader->member, "second"}});
  EXPECT_EQ(groups.wanted.size(), 1);
  EXPECT_EQ(first->error, ErrorCode::rebalance_in_progress) << "nobody waits there any more";
  groups.append_next();
  EXPECT_EQ(second->assignment, "first");
  groups.reload();
  groups.hold_appends = false;
  EXPECT_EQ(groups.sync(members.leader->member, 1)->assignment, "first");
}

TEST(GroupSync, AnAssignmentThatCannotBeStoredEndsTheGeneration) {
  std::vector<std::pair<ErrorCode, ErrorCode>> errors(common_append_errors.begin(), common_append_errors.end());
  errors.insert(errors.end(), {{ErrorCode::request_timed_out, ErrorCode::rebalance_in_progress},
                               {ErrorCode::message_too_large, ErrorCode::unknown_server_error},
                               {ErrorCode::record_list_too_large, ErrorCode::unknown_server_error},
                               {ErrorCode::corrupt_message, ErrorCode::corrupt_message}});
  for (const auto& [append_error, error] : errors) {
    GroupHarness groups;
    const Completing members(groups);
    groups.hold_appends = true;
    const auto follower = groups.sync(members.follower->member, 1);
    const auto leader = groups.sync(members.leader->member, 1, {{members.leader->member, "one"}});
    groups.append_next(append_error);
    EXPECT_EQ(leader->error, error);
    EXPECT_EQ(follower->error, error);
    EXPECT_EQ(leader->assignment, "");
    EXPECT_EQ(groups.state(), "PreparingRebalance");
  }
}

TEST(GroupSync, AnAssignmentThatComesTooLateIsNotTheNextGenerations) {
  GroupHarness groups;
  const Completing members(groups);
  groups.hold_appends = true;
  const auto old = groups.sync(members.leader->member, 1, {{members.leader->member, "old"}});
  const auto second = groups.join({.member = members.follower->member, .protocols = {{"range", "new"}}});
  EXPECT_EQ(old->error, ErrorCode::rebalance_in_progress);
  const auto first = groups.join({.member = members.leader->member});
  ASSERT_EQ(first->generation, 2);
  groups.append_next();
  EXPECT_EQ(groups.state(), "CompletingRebalance");
  const auto leader = groups.sync(members.leader->member, 2, {{members.leader->member, "new"}});
  groups.append_next();
  EXPECT_EQ(leader->assignment, "new");
  EXPECT_EQ(second->generation, 2);
}

TEST(GroupSync, RefusesWhatKafkaRefuses) {
  GroupHarness groups;
  EXPECT_EQ(groups.sync("member", 1, {}, "")->error, ErrorCode::invalid_group_id);
  EXPECT_EQ(groups.sync("member", 1)->error, ErrorCode::unknown_member_id);
  const Completing members(groups);
  const auto& member = members.leader->member;
  EXPECT_EQ(groups.sync("stranger", 1)->error, ErrorCode::unknown_member_id);
  EXPECT_EQ(groups.sync(member, 0)->error, ErrorCode::illegal_generation);
  EXPECT_EQ(groups.sync(member, 2)->error, ErrorCode::illegal_generation);
  EXPECT_EQ(groups.sync(member, 1, {}, "group", {}, "connect")->error, ErrorCode::inconsistent_group_protocol);
  EXPECT_EQ(groups.sync(member, 1, {}, "group", {}, "consumer", "sticky")->error,
            ErrorCode::inconsistent_group_protocol);
  EXPECT_EQ(groups.sync(member, 1, {}, "group", "instance")->error, ErrorCode::unknown_member_id);
  EXPECT_EQ(groups.sync(member, 1, {}, "group", {}, "consumer", "range")->error, ErrorCode::none);
  groups.join({.member = member});
  EXPECT_EQ(groups.state(), "PreparingRebalance");
  EXPECT_EQ(groups.sync(member, 1)->error, ErrorCode::rebalance_in_progress);
}

TEST(GroupSync, WhoDoesNotAskForItsAssignmentInTimeIsOut) {
  GroupHarness groups;
  const Completing members(groups);
  groups.sync(members.leader->member, 1, {});
  for (int seconds = 0; seconds < 19; ++seconds) {
    groups.advance(1'000);
    EXPECT_EQ(groups.heartbeat(members.leader->member, 1), ErrorCode::none);
    EXPECT_EQ(groups.heartbeat(members.follower->member, 1), ErrorCode::none);
  }
  groups.advance(1'000);
  EXPECT_EQ(groups.heartbeat(members.leader->member, 1), ErrorCode::rebalance_in_progress);
  EXPECT_EQ(groups.heartbeat(members.follower->member, 1), ErrorCode::unknown_member_id);
}

TEST(GroupSync, AnAssignmentThatTheLeaderNeverSendsEndsTheGenerationForAll) {
  GroupHarness groups;
  const Completing members(groups);
  const auto waiting = groups.sync(members.follower->member, 1);
  for (int seconds = 0; seconds < 20; ++seconds) {
    EXPECT_EQ(waiting->answers, 0);
    EXPECT_EQ(groups.heartbeat(members.leader->member, 1), ErrorCode::none);
    groups.advance(1'000);
  }
  EXPECT_EQ(waiting->answers, 1);
  EXPECT_EQ(waiting->error, ErrorCode::rebalance_in_progress);
  EXPECT_EQ(groups.heartbeat(members.leader->member, 1), ErrorCode::unknown_member_id);
}

TEST(GroupSync, OnceAllHaveAskedNobodyIsThrownOut) {
  GroupHarness groups;
  const auto members = groups.stable_group(2, {.rebalance_ms = 20'000});
  for (int seconds = 0; seconds < 60; ++seconds) {
    groups.advance(1'000);
    for (const auto& member : members) ASSERT_EQ(groups.heartbeat(member->member, 1), ErrorCode::none);
  }
}

TEST(GroupHeartbeat, RefusesWhatKafkaRefuses) {
  GroupHarness groups;
  EXPECT_EQ(groups.heartbeat("member", 1, ""), ErrorCode::invalid_group_id);
  EXPECT_EQ(groups.heartbeat("member", 1), ErrorCode::unknown_member_id);
  const auto member = groups.stable_group(1).front()->member;
  EXPECT_EQ(groups.heartbeat(member, 1), ErrorCode::none);
  EXPECT_EQ(groups.heartbeat(member, 0), ErrorCode::illegal_generation);
  EXPECT_EQ(groups.heartbeat(member, 2), ErrorCode::illegal_generation);
  EXPECT_EQ(groups.heartbeat("stranger", 1), ErrorCode::unknown_member_id);
  EXPECT_EQ(groups.heartbeat(member, 1, "group", "instance"), ErrorCode::unknown_member_id);
}

TEST(GroupHeartbeat, KeepsAMemberForItsSessionTimeoutAndNoLonger) {
  GroupHarness groups;
  const auto member = groups.stable_group(1, {.session_ms = 10'000}).front()->member;
  for (int count = 0; count < 5; ++count) {
    groups.advance(9'999);
    ASSERT_EQ(groups.heartbeat(member, 1), ErrorCode::none);
  }
  groups.advance(9'999);
  EXPECT_EQ(groups.state(), "Stable");
  groups.advance(1);
  EXPECT_EQ(groups.state(), "Empty");
  EXPECT_EQ(groups.heartbeat(member, 1), ErrorCode::unknown_member_id);
  EXPECT_EQ(groups.coordinator->find("group")->generation(), 2);
}

TEST(GroupHeartbeat, AMemberThatWaitsForAnAnswerIsNotSilent) {
  GroupHarness groups;
  const auto members = groups.stable_group(2, {.session_ms = 10'000, .rebalance_ms = 60'000});
  const auto waiting = groups.join({.member = members[0]->member});
  for (int seconds = 0; seconds < 50; ++seconds) {
    groups.advance(1'000);
    ASSERT_EQ(groups.heartbeat(members[1]->member, 1), ErrorCode::rebalance_in_progress);
  }
  EXPECT_EQ(waiting->answers, 0);
  groups.join({.member = members[1]->member});
  EXPECT_EQ(waiting->error, ErrorCode::none);
  groups.advance(9'999);
  EXPECT_EQ(groups.heartbeat(members[0]->member, 2), ErrorCode::none) << "its session starts with the answer";
}

TEST(GroupLeave, AGroupGoesOnWithoutWhoeverLeaves) {
  GroupHarness groups;
  const auto members = groups.stable_group(2);
  EXPECT_EQ(groups.leave(members[0]->member), ErrorCode::none);
  EXPECT_EQ(groups.state(), "PreparingRebalance");
  const auto again = groups.join({.member = members[1]->member});
  EXPECT_EQ(again->answers, 1);
  EXPECT_EQ(again->leader, members[1]->member);
  EXPECT_EQ(again->members.size(), 1);
}

TEST(GroupLeave, TheLastOneLeavesAnEmptyGroupOfTheNextGeneration) {
  GroupHarness groups;
  const auto member = groups.stable_group(1).front()->member;
  const std::size_t logged = groups.log.size();
  EXPECT_EQ(groups.leave(member), ErrorCode::none);
  EXPECT_EQ(groups.state(), "Empty");
  ASSERT_EQ(groups.log.size(), logged + 1);
  const auto value = decode_group_value(*groups.log.back().append.records.front().value);
  EXPECT_EQ(value->generation, 2);
  EXPECT_EQ(value->protocol_type, "consumer");
  EXPECT_EQ(value->protocol_name, std::nullopt);
  EXPECT_EQ(value->leader, std::nullopt);
  EXPECT_TRUE(value->members.empty());
}

TEST(GroupLeave, ManyMembersEachHaveTheirOwnError) {
  GroupHarness groups;
  const auto members = groups.stable_group(2);
  const auto fixed = groups.join({.instance = "instance", .version = 9});
  const auto pending = groups.join({.version = 9});
  EXPECT_THAT(groups.leave_all({{members[0]->member, std::nullopt},
                                {"stranger", std::nullopt},
                                {pending->member, std::nullopt},
                                {"", std::nullopt},
                                {"", "nobody"},
                                {"stranger", "instance"},
                                {members[1]->member, "nobody"},
                                {"", "instance"},
                                {members[0]->member, std::nullopt}}),
              ElementsAre(ErrorCode::none, ErrorCode::unknown_member_id, ErrorCode::none, ErrorCode::unknown_member_id,
                          ErrorCode::unknown_member_id, ErrorCode::fenced_instance_id, ErrorCode::unknown_member_id,
                          ErrorCode::none, ErrorCode::unknown_member_id));
  EXPECT_EQ(fixed->error, ErrorCode::unknown_member_id) << "its JoinGroup waited";
  EXPECT_EQ(groups.coordinator->find("group")->size(), 1);
  EXPECT_THAT(groups.leave_all({{"member", std::nullopt}}, "nowhere"), ElementsAre(ErrorCode::unknown_member_id));
  EXPECT_THAT(groups.leave_all({{"member", std::nullopt}}, ""), ElementsAre(ErrorCode::invalid_group_id));
}

TEST(GroupLeave, BeforeVersionThreeTheErrorIsTheOneMembers) {
  GroupHarness groups;
  const auto member = groups.stable_group(1).front()->member;
  EXPECT_THAT(groups.leave_all({{"stranger", std::nullopt}}, "group", 2), ElementsAre(ErrorCode::unknown_member_id));
  EXPECT_THAT(groups.leave_all({{member, std::nullopt}}, "group", 2), ElementsAre(ErrorCode::none));
  EXPECT_EQ(groups.state(), "Empty");
}

TEST(GroupLeave, ARebalanceDoesNotWaitForWhoeverLeft) {
  GroupHarness groups;
  const auto members = groups.stable_group(2);
  const auto pending = groups.join({.version = 9});
  const auto waiting = groups.join({.member = members[0]->member});
  groups.leave(members[1]->member);
  EXPECT_EQ(waiting->answers, 0);
  groups.leave(pending->member);
  EXPECT_EQ(waiting->answers, 1);
}

TEST(GroupLeave, ASyncGroupThatWaitsIsAnsweredWhenAnAdminRemovesItsMember) {
  GroupHarness groups;
  const auto leader = groups.join({});
  const auto fixed = groups.join({.instance = "instance", .version = 9});
  groups.advance(6'000);
  const auto waiting = groups.sync(fixed->member, 1, {}, "group", "instance");
  EXPECT_EQ(groups.leave_all({{"", "instance"}}).front(), ErrorCode::none);
  EXPECT_EQ(waiting->answers, 1);
  EXPECT_EQ(waiting->error, ErrorCode::unknown_member_id);
}

TEST(GroupHeartbeat, ASessionStartsAnewWithTheAssignmentThatWasWaitedFor) {
  GroupHarness groups;
  const Completing members(groups);
  groups.sync(members.follower->member, 1);
  groups.advance(9'000);
  groups.sync(members.leader->member, 1);
  groups.advance(9'000);
  EXPECT_EQ(groups.heartbeat(members.follower->member, 1), ErrorCode::none);
}

TEST(GroupHeartbeat, WhoIsSilentAfterItsJoinIsOutAfterItsSessionTimeout) {
  GroupHarness groups;
  groups.join({.session_ms = 10'000});
  groups.advance(3'000);
  groups.advance(9'999);
  EXPECT_EQ(groups.state(), "CompletingRebalance");
  groups.advance(1);
  EXPECT_EQ(groups.state(), "Empty");
}

TEST(GroupLeave, ARebalanceEndsWhenTheLastThatItWaitsForLeaves) {
  GroupHarness groups;
  const auto members = groups.stable_group(2);
  const auto waiting = groups.join({.member = members[0]->member});
  EXPECT_EQ(waiting->answers, 0);
  groups.leave(members[1]->member);
  EXPECT_EQ(waiting->answers, 1);
  EXPECT_EQ(waiting->members.size(), 1);
}

TEST(GroupHeartbeat, ASyncGroupOfAStableGroupShowsThatItsMemberLives) {
  GroupHarness groups;
  const auto member = groups.stable_group(1, {.session_ms = 10'000}).front()->member;
  for (int count = 0; count < 3; ++count) {
    groups.advance(9'000);
    ASSERT_EQ(groups.sync(member, 1)->error, ErrorCode::none);
  }
}

}  // namespace
}  // namespace millrace::coordinator
