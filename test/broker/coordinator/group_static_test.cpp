// Static members (KIP-345): who comes again under a known instance id takes over, and the one before is fenced.
#include <gtest/gtest.h>

#include "test/broker/coordinator/group_harness.h"

namespace millrace::coordinator {
namespace {

using namespace test;

// A stable group of a static leader and a static follower, each with an assignment.
struct StaticGroup {
  explicit StaticGroup(GroupHarness& groups)
      : leader(groups.join({.instance = "one", .version = 9})),
        follower(groups.join({.instance = "two", .version = 9})) {
    groups.advance(6'000);
    groups.sync_all({leader, follower});
    EXPECT_EQ(leader->leader, leader->member);
  }
  JoinedPointer leader;
  JoinedPointer follower;
};

TEST(StaticMember, TakesItsPlaceAndItsAssignmentAgainWithoutARebalance) {
  GroupHarness groups;
  const StaticGroup before(groups);
  groups.hold_appends = true;
  const auto again = groups.join({.instance = "two", .version = 9});
  EXPECT_EQ(again->answers, 0) << "the new id counts once it is in the log";
  groups.append_next();
  ASSERT_EQ(again->answers, 1);
  EXPECT_EQ(again->error, ErrorCode::none);
  EXPECT_EQ(again->generation, 1);
  EXPECT_NE(again->member, before.follower->member);
  EXPECT_EQ(again->leader, before.leader->member);
  EXPECT_FALSE(again->skip_assignment);
  groups.hold_appends = false;
  EXPECT_EQ(groups.state(), "Stable");
  EXPECT_EQ(groups.sync(again->member, 1)->assignment, "of " + before.follower->member);
  groups.reload();
  EXPECT_EQ(groups.sync(again->member, 1)->assignment, "of " + before.follower->member);
}

TEST(StaticMember, FencesTheOneBefore) {
  GroupHarness groups;
  const StaticGroup before(groups);
  const auto& old = before.follower->member;
  groups.join({.instance = "two", .version = 9});
  EXPECT_EQ(groups.heartbeat(old, 1, "group", "two"), ErrorCode::fenced_instance_id);
  EXPECT_EQ(groups.heartbeat(old, 1), ErrorCode::unknown_member_id);
  EXPECT_EQ(groups.sync(old, 1, {}, "group", "two")->error, ErrorCode::fenced_instance_id);
  EXPECT_EQ(groups.join({.member = old, .instance = "two", .version = 9})->error, ErrorCode::fenced_instance_id);
  EXPECT_EQ(groups.commit({.member = old, .generation = 1, .instance = "two"})->error(), ErrorCode::fenced_instance_id);
  EXPECT_EQ(groups.leave_all({{old, "two"}}).front(), ErrorCode::fenced_instance_id);
  EXPECT_EQ(groups.state(), "Stable");
}

TEST(StaticMember, ThatLeadsSkipsTheAssignmentFromVersionNineOn) {
  GroupHarness groups;
  const StaticGroup before(groups);
  const auto again = groups.join({.instance = "one", .version = 9});
  EXPECT_TRUE(again->skip_assignment);
  EXPECT_EQ(again->leader, again->member);
  EXPECT_EQ(again->members.size(), 2);
}

TEST(StaticMember, ThatLeadsDoesNotKnowItBeforeVersionNine) {
  GroupHarness groups;
  const StaticGroup before(groups);
  const auto again = groups.join({.instance = "one", .version = 8});
  EXPECT_FALSE(again->skip_assignment);
  EXPECT_EQ(again->leader, before.leader->member);
  EXPECT_TRUE(again->members.empty());
  EXPECT_EQ(groups.coordinator->find("group")->leader_id(), again->member);
}

TEST(StaticMember, StaysWhoItWasWhenItsNewIdCannotBeStored) {
  GroupHarness groups;
  const StaticGroup before(groups);
  groups.hold_appends = true;
  const auto again = groups.join({.instance = "two", .protocols = {{"range", "other"}}, .version = 9});
  groups.append_next(ErrorCode::not_enough_replicas);
  groups.hold_appends = false;
  EXPECT_EQ(again->answers, 1);
  EXPECT_EQ(again->error, ErrorCode::coordinator_not_available);
  EXPECT_EQ(again->member, "");
  EXPECT_EQ(groups.heartbeat(before.follower->member, 1, "group", "two"), ErrorCode::none);
  EXPECT_EQ(groups.join({.member = before.follower->member, .instance = "two", .version = 9})->generation, 1)
      << "with the protocols that it had";
  EXPECT_EQ(groups.state(), "Stable");
}

TEST(StaticMember, RebalancesTheGroupWhenItChangesWhatIsChosen) {
  GroupHarness groups;
  const auto leader = groups.join({.instance = "one", .protocols = {{"range", ""}, {"sticky", ""}}, .version = 9});
  const auto follower = groups.join({.instance = "two", .protocols = {{"range", ""}, {"sticky", ""}}, .version = 9});
  groups.advance(6'000);
  ASSERT_EQ(leader->protocol, "range");
  groups.sync_all({leader, follower});
  const auto again = groups.join({.instance = "two", .protocols = {{"sticky", ""}}, .version = 9});
  EXPECT_EQ(groups.state(), "PreparingRebalance");
  const auto leader_again =
      groups.join({.member = leader->member, .instance = "one", .protocols = {{"range", ""}, {"sticky", ""}}});
  EXPECT_EQ(leader_again->generation, 2);
  EXPECT_EQ(leader_again->protocol, "sticky");
  EXPECT_EQ(again->generation, 2);
}

TEST(StaticMember, ThatComesAgainBeforeTheAssignmentStartsOver) {
  GroupHarness groups;
  const auto leader = groups.join({.instance = "one", .version = 9});
  const auto follower = groups.join({.instance = "two", .version = 9});
  groups.advance(6'000);
  const auto waiting = groups.sync(follower->member, 1, {}, "group", "two");
  const auto again = groups.join({.instance = "two", .version = 9});
  EXPECT_EQ(waiting->error, ErrorCode::fenced_instance_id);
  EXPECT_EQ(groups.state(), "PreparingRebalance");
  groups.join({.member = leader->member, .instance = "one", .version = 9});
  EXPECT_EQ(again->generation, 2);
}

TEST(StaticMember, ThatComesAgainWhileItWaitsFencesItself) {
  GroupHarness groups;
  const StaticGroup before(groups);
  const auto waiting = groups.join({.member = before.leader->member, .instance = "one", .version = 9});
  ASSERT_EQ(groups.state(), "PreparingRebalance");
  const auto again = groups.join({.instance = "one", .version = 9});
  EXPECT_EQ(waiting->error, ErrorCode::fenced_instance_id);
  EXPECT_EQ(waiting->member, before.leader->member);
  groups.join({.member = before.follower->member, .instance = "two", .version = 9});
  EXPECT_EQ(again->answers, 1);
  EXPECT_EQ(again->leader, again->member);
}

TEST(StaticMember, IsKeptThroughARebalanceThatItMissesUntilItsSessionEnds) {
  GroupHarness groups;
  const auto fixed = groups.join({.instance = "one", .session_ms = 60'000, .rebalance_ms = 10'000, .version = 9});
  groups.advance(6'000);
  groups.sync_all({fixed});
  const auto other = groups.join({.session_ms = 60'000, .rebalance_ms = 10'000});
  groups.advance(10'000);
  ASSERT_EQ(other->answers, 1);
  EXPECT_EQ(other->leader, other->member);
  EXPECT_EQ(other->members.size(), 2) << "the static member, too, gets an assignment";
  EXPECT_EQ(groups.heartbeat(fixed->member, 2, "group", "one"), ErrorCode::none);
}

TEST(StaticMember, WhenNoneComesBackTheRebalanceGoesOnUntilTheirSessionsEnd) {
  GroupHarness groups;
  const auto fixed = groups.join({.instance = "one", .session_ms = 30'000, .rebalance_ms = 10'000, .version = 9});
  groups.advance(6'000);
  groups.sync_all({fixed});
  groups.join({.session_ms = 30'000, .rebalance_ms = 10'000});
  const std::string newest = [&] {
    std::string id;
    for (const auto& member : groups.coordinator->find("group")->members()) id = member.id;
    return id;
  }();
  groups.leave(newest);
  groups.advance(10'000);
  EXPECT_EQ(groups.state(), "PreparingRebalance");
  groups.advance(30'000);
  EXPECT_EQ(groups.state(), "Empty");
}

TEST(StaticMember, AReplacementThatARebalanceOvertakesIsAnsweredByTheRebalance) {
  GroupHarness groups;
  const StaticGroup before(groups);
  groups.hold_appends = true;
  const auto again = groups.join({.instance = "two", .version = 9});
  const auto leader = groups.join({.member = before.leader->member, .instance = "one", .version = 9});
  EXPECT_EQ(again->answers, 1) << "all have joined";
  EXPECT_EQ(again->generation, 2);
  groups.append_next();
  EXPECT_EQ(again->answers, 1);
  EXPECT_EQ(leader->generation, 2);
}

TEST(StaticMember, ThatComesAgainBeforeItAskedForItsAssignmentStillHasItsTime) {
  for (const bool asks : {true, false}) {
    GroupHarness groups;
    const JoinInput input{.instance = "two", .session_ms = 60'000, .rebalance_ms = 20'000, .version = 9};
    const auto leader = groups.join({.instance = "one", .session_ms = 60'000, .rebalance_ms = 20'000, .version = 9});
    const auto follower = groups.join(input);
    groups.advance(6'000);
    groups.sync(leader->member, 1, {{follower->member, "two"}}, "group", "one");
    ASSERT_EQ(groups.state(), "Stable");
    const auto again = groups.join(input);
    ASSERT_EQ(again->error, ErrorCode::none);
    if (asks) EXPECT_EQ(groups.sync(again->member, 1, {}, "group", "two")->assignment, "two");
    groups.advance(20'000);
    EXPECT_EQ(groups.state(), asks ? "Stable" : "PreparingRebalance");
    EXPECT_EQ(groups.coordinator->find("group")->size(), asks ? 2 : 1);
  }
}

TEST(StaticMember, AReplacementThatIsStoredInARebalanceWaitsForItsEnd) {
  GroupHarness groups;
  const StaticGroup before(groups);
  groups.join({});
  groups.join({.member = before.leader->member, .instance = "one", .version = 9});
  const auto both = groups.join({.member = before.follower->member, .instance = "two", .version = 9});
  ASSERT_EQ(both->generation, 2);
  const auto third = groups.coordinator->find("group")->members().back().id;
  groups.sync(third, 2);
  groups.sync(before.follower->member, 2, {}, "group", "two");
  groups.sync(before.leader->member, 2, {}, "group", "one");
  ASSERT_EQ(groups.state(), "Stable");
  groups.hold_appends = true;
  const auto again = groups.join({.instance = "two", .version = 9});
  groups.join({.member = before.leader->member, .instance = "one", .version = 9});
  ASSERT_EQ(groups.state(), "PreparingRebalance");
  groups.append_next();
  EXPECT_EQ(again->answers, 0);
  groups.join({.member = third});
  EXPECT_EQ(again->answers, 1);
  EXPECT_EQ(again->generation, 3);
}

// Kafka's purgatory lets it wait from one tick to the next.
TEST(StaticMember, WithoutARebalanceTimeoutIsWaitedForWithoutHaste) {
  GroupHarness groups;
  const auto leader = groups.join({.instance = "one", .session_ms = 60'000, .rebalance_ms = 0, .version = 9});
  const auto follower = groups.join({.rebalance_ms = 20'000});
  groups.advance(6'000);
  groups.sync_all({leader, follower});
  groups.leave(follower->member);
  ASSERT_EQ(groups.state(), "PreparingRebalance");
  const MonotonicTime before = groups.time.now;
  for (int calls = 0; calls < 10; ++calls) {
    groups.time.now = groups.coordinator->next_deadline().value();
    groups.coordinator->on_time(groups.time);
  }
  EXPECT_GE(groups.time.now - before, std::chrono::milliseconds(500));
  const auto again = groups.join({.member = leader->member, .instance = "one", .rebalance_ms = 0, .version = 9});
  EXPECT_EQ(again->error, ErrorCode::none);
  EXPECT_EQ(again->generation, 2);
}

}  // namespace
}  // namespace millrace::coordinator
