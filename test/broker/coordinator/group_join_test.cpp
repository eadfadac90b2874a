#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

#include "test/broker/coordinator/group_harness.h"

namespace millrace::coordinator {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::Pair;
using testing::StartsWith;

TEST(GroupJoin, TheFirstMemberLeadsAfterTheInitialDelay) {
  GroupHarness groups;
  const auto member = groups.join({});
  EXPECT_EQ(groups.state(), "PreparingRebalance");
  groups.advance(2'999);
  EXPECT_EQ(member->answers, 0);
  groups.advance(1);
  ASSERT_EQ(member->answers, 1);
  EXPECT_EQ(member->error, ErrorCode::none);
  EXPECT_EQ(member->generation, 1);
  EXPECT_EQ(member->leader, member->member);
  EXPECT_EQ(member->type, "consumer");
  EXPECT_EQ(member->protocol, "range");
  EXPECT_THAT(member->member, StartsWith("client-"));
  EXPECT_EQ(member->member.size(), std::string("client-").size() + 36);
  EXPECT_THAT(member->members, ElementsAre(Pair(member->member, subscription_to({"topic"}))));
  EXPECT_EQ(groups.state(), "CompletingRebalance");
}

TEST(GroupJoin, OnlyTheLeaderHearsOfTheMembers) {
  GroupHarness groups;
  const auto first = groups.join({});
  const auto second = groups.join({});
  groups.advance(6'000);
  ASSERT_EQ(first->answers + second->answers, 2);
  EXPECT_EQ(first->members.size(), 2);
  EXPECT_TRUE(second->members.empty());
  EXPECT_EQ(second->leader, first->member);
}

TEST(GroupJoin, MembersProlongTheInitialDelayUpToTheRebalanceTimeout) {
  GroupHarness groups;
  const auto first = groups.join({.rebalance_ms = 10'000});
  for (int count = 0; count < 3; ++count) {
    groups.advance(2'900);
    EXPECT_EQ(first->answers, 0) << count;
    groups.join({.rebalance_ms = 10'000});
  }
  // 3 + 3 + 3 s with members in each, and the second that is left of ten.
  groups.advance(10'000 - 8'700 - 1);
  EXPECT_EQ(first->answers, 0);
  groups.advance(1);
  EXPECT_EQ(first->answers, 1);
  EXPECT_EQ(first->members.size(), 4);
}

TEST(GroupJoin, ADelayOfZeroIsOverAtOnce) {
  GroupHarness groups({.group_initial_rebalance_delay_ms = 0});
  const auto member = groups.join({});
  ASSERT_TRUE(groups.coordinator->next_deadline());
  groups.advance(0);
  EXPECT_EQ(member->answers, 1);
}

TEST(GroupJoin, AGroupThatHadMembersBeforeWaitsTheDelayOnceOnly) {
  GroupHarness groups;
  const auto gone = groups.stable_group(1).front();
  groups.leave(gone->member);
  ASSERT_EQ(groups.state(), "Empty");
  const auto member = groups.join({});
  groups.advance(1'000);
  groups.join({});
  groups.advance(2'000);
  EXPECT_EQ(member->answers, 1);
  EXPECT_EQ(member->generation, 3);
}

TEST(GroupJoin, FromVersionFourOnANewMemberComesAgainWithItsId) {
  GroupHarness groups;
  const auto asked = groups.join({.version = 4});
  ASSERT_EQ(asked->answers, 1);
  EXPECT_EQ(asked->error, ErrorCode::member_id_required);
  EXPECT_EQ(asked->generation, -1);
  EXPECT_EQ(groups.state(), "Empty");
  const auto member = groups.join({.member = asked->member, .version = 4});
  groups.advance(3'000);
  EXPECT_EQ(member->error, ErrorCode::none);
  EXPECT_EQ(member->member, asked->member);
}

TEST(GroupJoin, AnIdThatDoesNotComeAgainIsForgottenAfterItsSessionTimeout) {
  GroupHarness groups;
  const auto asked = groups.join({.session_ms = 7'000, .version = 4});
  groups.advance(7'000);
  EXPECT_EQ(groups.join({.member = asked->member, .version = 4})->error, ErrorCode::unknown_member_id);
}

TEST(GroupJoin, ARebalanceWaitsForIdsThatAreHandedOut) {
  GroupHarness groups;
  const auto old = groups.stable_group(1).front();
  const auto asked = groups.join({.session_ms = 7'000, .version = 4});
  const auto again = groups.join({.member = old->member});
  EXPECT_EQ(groups.state(), "PreparingRebalance");
  EXPECT_EQ(again->answers, 0);
  groups.advance(6'999);
  EXPECT_EQ(again->answers, 0);
  groups.advance(1);
  EXPECT_EQ(again->answers, 1);
}

TEST(GroupJoin, AStaticMemberNeedsNoSecondJoin) {
  GroupHarness groups;
  const auto member = groups.join({.instance = "instance", .version = 9});
  groups.advance(3'000);
  EXPECT_EQ(member->error, ErrorCode::none);
  EXPECT_THAT(member->member, StartsWith("instance-"));
}

TEST(GroupJoin, RefusesWhatKafkaRefuses) {
  GroupHarness groups;
  EXPECT_EQ(groups.join({.group = ""})->error, ErrorCode::invalid_group_id);
  EXPECT_EQ(groups.join({.session_ms = 5'999})->error, ErrorCode::invalid_session_timeout);
  EXPECT_EQ(groups.join({.session_ms = 1'800'001})->error, ErrorCode::invalid_session_timeout);
  EXPECT_EQ(groups.coordinator->group_count(), 0);
  const auto stranger = groups.join({.member = "stranger"});
  EXPECT_EQ(stranger->error, ErrorCode::unknown_member_id);
  EXPECT_EQ(stranger->member, "stranger");
  EXPECT_EQ(groups.coordinator->group_count(), 0);
  EXPECT_EQ(groups.join({.type = ""})->error, ErrorCode::inconsistent_group_protocol);
  EXPECT_EQ(groups.join({.protocols = {}})->error, ErrorCode::inconsistent_group_protocol);
  groups.stable_group(1);
  EXPECT_EQ(groups.join({.type = "connect"})->error, ErrorCode::inconsistent_group_protocol);
  EXPECT_EQ(groups.join({.protocols = {{"sticky", ""}}})->error, ErrorCode::inconsistent_group_protocol);
  EXPECT_EQ(groups.join({.member = "stranger"})->error, ErrorCode::unknown_member_id);
  EXPECT_EQ(groups.join({.member = "stranger", .instance = "instance"})->error, ErrorCode::unknown_member_id);
  EXPECT_EQ(groups.state(), "Stable");
}

TEST(GroupJoin, RefusesAnIdOfAHandedOutMemberThatTurnsStatic) {
  GroupHarness groups;
  const auto asked = groups.join({.version = 5});
  EXPECT_EQ(groups.join({.member = asked->member, .instance = "instance", .version = 5})->error,
            ErrorCode::unknown_server_error);
}

TEST(GroupJoin, RefusesAMemberWhoseIdWouldBeTooLongToBeTold) {
  GroupHarness groups;
  EXPECT_EQ(groups.join({.client = std::string(32'767 - 36, 'c')})->error, ErrorCode::unknown_server_error);
  EXPECT_EQ(groups.join({.version = 4, .client = std::string(32'767 - 37, 'c')})->error, ErrorCode::member_id_required);
}

TEST(GroupJoin, VersionZeroRebalancesWithinItsSessionTimeout) {
  GroupHarness groups;
  const auto first = groups.join({.rebalance_ms = -1, .version = 0});
  groups.advance(3'000);
  groups.sync_all({first});
  const auto second = groups.join({.rebalance_ms = -1, .version = 0});
  groups.advance(5'000);
  EXPECT_EQ(groups.heartbeat(first->member, 1), ErrorCode::rebalance_in_progress);
  groups.advance(4'999);
  EXPECT_EQ(second->answers, 0);
  groups.advance(1);
  EXPECT_EQ(second->answers, 1);
  EXPECT_EQ(second->members.size(), 1) << "who did not come back is gone";
}

TEST(GroupJoin, TheProtocolThatAllKnowAndMostPreferIsChosen) {
  GroupHarness groups;
  const auto first = groups.join({.protocols = {{"old", ""}, {"sticky", ""}, {"range", ""}}});
  groups.join({.protocols = {{"range", ""}, {"sticky", ""}}});
  groups.join({.protocols = {{"new", ""}, {"range", ""}, {"sticky", ""}}});
  groups.advance(6'000);
  EXPECT_EQ(first->protocol, "range");
}

TEST(GroupJoin, AProtocolThatIsNamedTwiceCountsOnce) {
  GroupHarness groups;
  const auto first = groups.join({.protocols = {{"range", "one"}, {"range", "two"}}});
  groups.advance(3'000);
  EXPECT_EQ(first->protocol, "range");
  EXPECT_THAT(first->members, ElementsAre(Pair(first->member, "one")));
  EXPECT_EQ(groups.join({.protocols = {{"sticky", ""}, {"sticky", ""}}})->error,
            ErrorCode::inconsistent_group_protocol);
}

TEST(GroupJoin, AFollowerThatBringsNothingNewGetsTheGenerationAgain) {
  GroupHarness groups;
  const auto members = groups.stable_group(2);
  const auto again = groups.join({.member = members[1]->member});
  ASSERT_EQ(again->answers, 1);
  EXPECT_EQ(again->generation, 1);
  EXPECT_EQ(again->leader, members[0]->member);
  EXPECT_TRUE(again->members.empty());
  EXPECT_EQ(groups.state(), "Stable");
}

TEST(GroupJoin, TheLeaderAndWhoeverBringsSomethingNewStartARebalance) {
  for (const bool leader : {true, false}) {
    GroupHarness groups;
    const auto members = groups.stable_group(2);
    const auto again = leader ? groups.join({.member = members[0]->member})
                              : groups.join({.member = members[1]->member, .protocols = {{"range", "new"}}});
    EXPECT_EQ(groups.state(), "PreparingRebalance");
    EXPECT_EQ(again->answers, 0);
    EXPECT_EQ(groups.heartbeat(members[leader ? 1 : 0]->member, 1), ErrorCode::rebalance_in_progress);
    const auto other = groups.join({.member = members[leader ? 1 : 0]->member});
    EXPECT_EQ(again->answers + other->answers, 2);
    EXPECT_EQ(again->generation, 2);
  }
}

TEST(GroupJoin, WhoLostTheAnswerGetsItAgainBeforeTheAssignment) {
  GroupHarness groups;
  const auto first = groups.join({});
  const auto second = groups.join({});
  groups.advance(6'000);
  const auto leader_again = groups.join({.member = first->member});
  EXPECT_EQ(leader_again->generation, 1);
  EXPECT_EQ(leader_again->members.size(), 2);
  const auto follower_again = groups.join({.member = second->member});
  EXPECT_EQ(follower_again->generation, 1);
  EXPECT_TRUE(follower_again->members.empty());
  EXPECT_EQ(groups.state(), "CompletingRebalance");
  groups.join({.member = second->member, .protocols = {{"range", "new"}}});
  EXPECT_EQ(groups.state(), "PreparingRebalance");
}

TEST(GroupJoin, AJoinThatIsRepeatedWhileItWaitsEndsTheOldOne) {
  GroupHarness groups;
  const auto members = groups.stable_group(2);
  const auto old = groups.join({.member = members[0]->member});
  const auto again = groups.join({.member = members[0]->member});
  EXPECT_EQ(old->answers, 1);
  EXPECT_EQ(old->error, ErrorCode::rebalance_in_progress);
  EXPECT_EQ(again->answers, 0);
  groups.join({.member = members[1]->member});
  EXPECT_EQ(again->answers, 1);
  EXPECT_EQ(again->error, ErrorCode::none);
}

TEST(GroupJoin, WhoDoesNotComeBackInTimeIsOutAndAnotherLeads) {
  GroupHarness groups;
  const auto members = groups.stable_group(3, {.session_ms = 100'000, .rebalance_ms = 20'000});
  const auto again = groups.join(
      {.member = members[1]->member, .protocols = {{"range", "new"}}, .session_ms = 100'000, .rebalance_ms = 20'000});
  groups.advance(19'999);
  EXPECT_EQ(again->answers, 0);
  groups.advance(1);
  ASSERT_EQ(again->answers, 1);
  EXPECT_EQ(again->leader, members[1]->member);
  EXPECT_EQ(again->members.size(), 1);
  EXPECT_EQ(groups.heartbeat(members[0]->member, 2), ErrorCode::unknown_member_id);
}

TEST(GroupJoin, AGroupThatIsFullTakesNobodyMore) {
  GroupHarness groups({.group_max_size = 2});
  const auto members = groups.stable_group(2);
  const auto refused = groups.join({});
  EXPECT_EQ(refused->error, ErrorCode::group_max_size_reached);
  EXPECT_EQ(refused->member, "");
  EXPECT_EQ(groups.state(), "Stable");
  const auto again = groups.join({.member = members[0]->member});
  EXPECT_EQ(groups.state(), "PreparingRebalance");
  const auto other = groups.join({});
  EXPECT_EQ(other->error, ErrorCode::none) << "one of two has come back, so there is room";
  const auto late = groups.join({.member = members[1]->member});
  EXPECT_EQ(late->error, ErrorCode::group_max_size_reached) << "the last to come back is too many";
  EXPECT_EQ(again->answers + other->answers, 2);
  EXPECT_EQ(groups.coordinator->find("group")->size(), 2);
}

TEST(GroupJoin, ANewMemberThatNeverGetsItsAnswerIsGoneAfterFiveMinutes) {
  GroupHarness groups;
  const auto old = groups.stable_group(1, {.session_ms = 1'800'000, .rebalance_ms = 1'800'000}).front();
  const auto waiting = groups.join({.rebalance_ms = 1'800'000});
  groups.advance(299'999);
  EXPECT_EQ(waiting->answers, 0);
  groups.advance(1);
  EXPECT_EQ(waiting->answers, 1);
  EXPECT_EQ(waiting->error, ErrorCode::unknown_member_id);
  EXPECT_EQ(groups.coordinator->find("group")->size(), 1);
}

TEST(GroupJoin, RefusesWhileTheGroupsAreBeingLoaded) {
  GroupHarness groups;
  groups.coordinator = std::make_unique<GroupCoordinator>(groups.config, groups.random);
  EXPECT_EQ(groups.join({})->error, ErrorCode::coordinator_load_in_progress);
  EXPECT_EQ(groups.sync("member", 1)->error, ErrorCode::rebalance_in_progress);
  EXPECT_EQ(groups.heartbeat("member", 1), ErrorCode::none);
  EXPECT_EQ(groups.leave("member"), ErrorCode::coordinator_load_in_progress);
  EXPECT_EQ(groups.commit({})->error(), ErrorCode::coordinator_load_in_progress);
  EXPECT_EQ(groups.fetch().error, ErrorCode::coordinator_load_in_progress);
  EXPECT_EQ(groups.coordinator->describe("group", 5).error_code, ErrorCode::coordinator_load_in_progress);
  EXPECT_EQ(groups.coordinator->list({}).error_code, ErrorCode::coordinator_load_in_progress);
}

TEST(GroupJoin, AThousandMembersJoinWithinHalfASecondOfCpu) {
  GroupHarness groups;
  const std::clock_t start = std::clock();
  std::vector<JoinedPointer> asked;
  for (int count = 0; count < 1'000; ++count) asked.push_back(groups.join({.version = 9}));
  std::vector<JoinedPointer> joined;
  for (const auto& each : asked) joined.push_back(groups.join({.member = each->member, .version = 9}));
  for (int rounds = 0; rounds < 10 && joined.back()->answers == 0; ++rounds) groups.advance(3'000);
  groups.sync_all(joined);
  const double cpu_seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  EXPECT_EQ(joined.back()->generation, 1);
  EXPECT_EQ(joined.front()->members.size(), 1'000);
  EXPECT_LT(cpu_seconds, 0.5);
}

}  // namespace
}  // namespace millrace::coordinator
