// A partition whose groups speak both protocols.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "broker/coordinator/consumer_group.h"
#include "test/broker/coordinator/group_harness.h"

namespace millrace::coordinator::test {
namespace {

struct GroupKinds : testing::Test {
  GroupKinds() { groups.directory.put("topic", 2); }

  Beat join(const std::string& member) { return groups.beat(joining(member)); }
  Beat leave(const std::string& member) { return groups.beat({.member = member, .epoch = -1}); }
  ErrorCode commit(const std::string& member, std::int32_t epoch, std::int64_t offset = 7,
                   protocol::Version version = 9) {
    return groups.commit({.member = member, .generation = epoch, .offset = offset, .version = version})->error();
  }
  // The type and state of the only group.
  [[nodiscard]] std::string kind() const {
    const auto list = groups.coordinator->list({});
    if (list.groups.size() != 1) return std::to_string(list.groups.size()) + " groups";
    const auto& group = list.groups.front();
    return std::string(group.group_type) + " " + std::string(group.group_state);
  }
  std::shared_ptr<std::optional<ErrorCode>> erase() {
    auto outcome = std::make_shared<std::optional<ErrorCode>>();
    groups.coordinator->delete_group("group", [outcome](ErrorCode error) { *outcome = error; }, groups.time);
    groups.settle();
    return outcome;
  }
  protocol::OffsetFetchResponse::Group fetch(const std::optional<std::string>& member, std::int32_t epoch) {
    protocol::OffsetFetchRequest::Group request;
    request.group_id = "group";
    if (member) request.member_id = *member;
    request.member_epoch = epoch;
    request.topics = std::nullopt;
    return groups.coordinator->fetch(request, false);
  }
  // What the log has of a type of record, tombstones apart.
  [[nodiscard]] std::size_t living_records(std::uint8_t type) const {
    std::map<Bytes, bool> newest;
    for (const auto& logged : groups.log) {
      for (const auto& record : logged.append.records) newest[record.key] = record.value.has_value();
    }
    return static_cast<std::size_t>(
        std::ranges::count_if(newest, [&](const auto& each) { return each.first.at(1) == type && each.second; }));
  }
  [[nodiscard]] std::size_t living_records_of_new_types() const {
    std::size_t count = 0;
    for (std::uint8_t type = 3; type < 32; ++type) count += living_records(type);
    return count;
  }

  // Groups with members keep their kind here.
  GroupHarness groups{ConsumerGroupConfig{.group_consumer_migration_policy = ConsumerGroupMigrationPolicy::disabled}};
};

TEST_F(GroupKinds, OffsetsOfMembersOfTheNewProtocol) {
  EXPECT_EQ(join("a").epoch, 1);
  EXPECT_EQ(commit("a", 1), ErrorCode::none);
  EXPECT_EQ(commit("a", 2), ErrorCode::stale_member_epoch);
  EXPECT_EQ(commit("a", 1, 7, 8), ErrorCode::unsupported_version);
  EXPECT_EQ(commit("b", 1), ErrorCode::unknown_member_id);
  EXPECT_EQ(commit("", -1), ErrorCode::unknown_member_id);
  EXPECT_EQ(kind(), "consumer Stable");  // one group, with offsets
  EXPECT_EQ(groups.coordinator->group_count(), 1U);
  EXPECT_EQ(fetch("a", 1).topics.at(0).partitions.at(0).committed_offset, Offset(7));
  EXPECT_EQ(fetch(std::nullopt, -1).topics.at(0).partitions.at(0).committed_offset, Offset(7));
  EXPECT_EQ(fetch("a", 2).error_code, ErrorCode::stale_member_epoch);
  EXPECT_EQ(fetch("b", 1).error_code, ErrorCode::unknown_member_id);
  EXPECT_EQ(groups.commit({.member = "a", .generation = 2, .producer = 5})->error(), ErrorCode::illegal_generation);
  EXPECT_EQ(groups.commit({.member = "a", .generation = 1, .offset = 9, .producer = 5})->error(), ErrorCode::none);
  groups.end_transaction(5, true);
  EXPECT_EQ(groups.fetch().offset, 9);
  leave("a");
  EXPECT_EQ(commit("", -1, 8), ErrorCode::none);  // an admin, while nobody is there
}

TEST_F(GroupKinds, DescriptionsAreOfTheKindThatIsAskedFor) {
  join("a");
  const auto described = groups.coordinator->describe("group", 6);
  EXPECT_EQ(described.error_code, ErrorCode::group_id_not_found);
  EXPECT_EQ(described.error_message, "Group group is not a classic group.");
  EXPECT_EQ(described.group_state, "Dead");
  EXPECT_EQ(groups.coordinator->describe("group", 5).error_code, ErrorCode::none);
  std::vector<std::string> heard;
  const auto hear = [&](const protocol::ConsumerGroupDescribeResponse::Group& answer) {
    heard.emplace_back(answer.error_message.value_or(answer.group_state));
    heard.emplace_back(to_string(answer.error_code));
  };
  groups.join({.group = "classic"});
  for (const char* const id : {"group", "classic", "none", ""})
    groups.coordinator->consumer_group_describe(id, hear, groups.time);
  EXPECT_EQ(heard,
            (std::vector<std::string>{"Stable", "NONE", "Group classic is not a consumer group.", "GROUP_ID_NOT_FOUND",
                                      "Group none not found.", "GROUP_ID_NOT_FOUND", "", "INVALID_GROUP_ID"}));
}

TEST_F(GroupKinds, ADescriptionWaitsForTheLog) {
  groups.hold_appends = true;
  const auto joined = groups.send(joining("a"));
  std::string state;
  groups.coordinator->consumer_group_describe(
      "group", [&](const auto& answer) { state = answer.group_state; }, groups.time);
  EXPECT_EQ(state, "");
  groups.append_next();
  EXPECT_EQ(joined->answers, 1);
  EXPECT_EQ(state, "Stable");
}

TEST_F(GroupKinds, ListsAreFilteredByTypeAndState) {
  join("a");
  groups.join({.group = "classic"});
  const auto listed = [&](std::vector<std::string_view> types, std::vector<std::string_view> states) {
    protocol::ListGroupsRequest request;
    request.types_filter = std::move(types);
    request.states_filter = std::move(states);
    std::set<std::string> ids;
    for (const auto& group : groups.coordinator->list(request).groups) ids.emplace(group.group_id);
    return ids;
  };
  using Ids = std::set<std::string>;
  EXPECT_EQ(listed({}, {}), (Ids{"classic", "group"}));
  EXPECT_EQ(listed({"Consumer"}, {}), Ids{"group"});
  EXPECT_EQ(listed({"classic"}, {}), Ids{"classic"});
  EXPECT_EQ(listed({}, {"stable"}), Ids{"group"});
  EXPECT_EQ(listed({"consumer"}, {"Empty"}), Ids{});
}

TEST_F(GroupKinds, AnEmptyClassicGroupBecomesAConsumerGroup) {
  const auto member = groups.stable_group(1).front();
  ASSERT_EQ(commit(member->member, member->generation), ErrorCode::none);
  EXPECT_EQ(join("a").error, ErrorCode::group_id_not_found);
  groups.leave(member->member);
  EXPECT_EQ(groups.beat({.member = "a", .epoch = 1}).message, "Group group is not a consumer group.");
  groups.advance(60'000);
  EXPECT_EQ(kind(), "classic Empty");
  ASSERT_EQ(living_records(2), 1U);
  EXPECT_EQ(join("a").epoch, 1);
  EXPECT_EQ(kind(), "consumer Stable");
  EXPECT_EQ(living_records(2), 0U);
  EXPECT_EQ(groups.fetch().offset, 7);
  groups.reload();
  EXPECT_EQ(kind(), "consumer Stable");
  EXPECT_EQ(groups.fetch().offset, 7);
  EXPECT_EQ(groups.heartbeat(member->member, 1), ErrorCode::unknown_member_id);
}

TEST_F(GroupKinds, ARefusedMemberLeavesTheClassicGroupAlone) {
  const auto member = groups.stable_group(1).front();
  groups.leave(member->member);
  groups.advance(60'000);
  auto input = joining("a");
  input.pattern = "(";
  EXPECT_EQ(groups.beat(input).error, ErrorCode::invalid_regular_expression);
  EXPECT_EQ(kind(), "classic Empty");
  EXPECT_EQ(living_records(2), 1U);
}

TEST_F(GroupKinds, AnEmptyConsumerGroupBecomesAClassicOne) {
  join("a");
  commit("a", 1);
  EXPECT_EQ(groups.join({})->error, ErrorCode::inconsistent_group_protocol);
  leave("a");
  EXPECT_EQ(kind(), "consumer Empty");
  const auto member = groups.stable_group(1).front();
  EXPECT_EQ(kind(), "classic Stable");
  EXPECT_EQ(living_records_of_new_types(), 0U);
  EXPECT_EQ(groups.fetch().offset, 7);
  EXPECT_EQ(commit(member->member, member->generation, 9), ErrorCode::none);
  groups.reload();
  EXPECT_EQ(kind(), "classic Stable");
  EXPECT_EQ(groups.fetch().offset, 9);
  EXPECT_EQ(groups.coordinator->find_consumer("group"), nullptr);
}

TEST_F(GroupKinds, WhoComesFirstDecides) {
  // A member of each kind asks while the group's last one is on its way out.
  join("a");
  groups.hold_appends = true;
  const auto left = groups.send({.member = "a", .epoch = -1});
  const auto next = groups.send(joining("b"));
  const auto classic = groups.join({});
  while (!groups.wanted.empty()) groups.append_next();
  EXPECT_EQ(left->error, ErrorCode::none);
  EXPECT_EQ(next->error, ErrorCode::none);
  EXPECT_EQ(classic->error, ErrorCode::inconsistent_group_protocol);
  EXPECT_EQ(kind(), "consumer Stable");
  const auto second_left = groups.send({.member = "b", .epoch = -1});
  const auto second_classic = groups.join({});
  const auto second_next = groups.send(joining("c"));
  while (!groups.wanted.empty()) groups.append_next();
  EXPECT_EQ(second_next->error, ErrorCode::group_id_not_found);
  EXPECT_EQ(kind(), "classic PreparingRebalance");
  EXPECT_EQ(second_classic->answers, 0);  // it waits for more members
}

TEST_F(GroupKinds, ADeletionIsAnsweredWhenItIsStored) {
  join("a");
  commit("a", 1);
  EXPECT_EQ(*erase(), ErrorCode::non_empty_group);
  leave("a");
  groups.hold_appends = true;
  const auto failed = erase();
  EXPECT_EQ(*failed, std::nullopt);
  ASSERT_EQ(groups.wanted.size(), 1U);  // offsets and all
  groups.append_next(ErrorCode::not_enough_replicas);
  EXPECT_EQ(*failed, ErrorCode::coordinator_not_available);
  EXPECT_EQ(kind(), "0 groups");
  groups.hold_appends = false;
  // Whether the log knows of it or not: the next check says it again.
  groups.coordinator->remove_expired(groups.time);
  groups.settle();
  EXPECT_EQ(living_records_of_new_types(), 0U);
  groups.reload();
  EXPECT_EQ(groups.coordinator->find_consumer("group"), nullptr);
}

TEST_F(GroupKinds, ADeletionLeavesNothing) {
  join("a");
  commit("a", 1);
  leave("a");
  EXPECT_EQ(*erase(), ErrorCode::none);
  EXPECT_EQ(kind(), "0 groups");
  EXPECT_EQ(living_records(0) + living_records(1) + living_records_of_new_types(), 0U);
  EXPECT_EQ(*erase(), ErrorCode::group_id_not_found);
  EXPECT_EQ(join("a").epoch, 1);
}

TEST_F(GroupKinds, ADeletionWaitsForItsTurn) {
  join("a");
  groups.hold_appends = true;
  groups.send({.member = "a", .epoch = -1});
  const auto back = groups.send(joining("a"));
  const auto outcome = erase();
  while (!groups.wanted.empty()) groups.append_next();
  EXPECT_EQ(back->error, ErrorCode::none);
  EXPECT_EQ(*outcome, ErrorCode::non_empty_group);
}

TEST_F(GroupKinds, OffsetsExpireWithNobodyThere) {
  const auto retention_ms = groups.config.offsets_retention_ms;
  join("a");
  commit("a", 1);
  groups.is_deaf = true;  // sessions are another test's
  groups.advance(retention_ms);
  groups.coordinator->remove_expired(groups.time);
  groups.settle();
  EXPECT_EQ(groups.fetch().offset, 7);  // somebody reads the topic
  groups.beat({.member = "a", .epoch = 1, .topics = std::vector<std::string>{"other"}, .owned = AssignedPartitions{}});
  ASSERT_EQ(groups.commit({.member = "a", .generation = 2, .topic = "kept"})->error(), ErrorCode::none);
  groups.coordinator->remove_expired(groups.time);
  groups.settle();
  EXPECT_EQ(groups.fetch().offset, -1);
  EXPECT_EQ(groups.fetch("kept").offset, 0);
  leave("a");
  groups.coordinator->remove_expired(groups.time);
  groups.settle();
  EXPECT_EQ(kind(), "consumer Empty");
  groups.advance(retention_ms);
  groups.coordinator->remove_expired(groups.time);
  groups.settle();
  EXPECT_EQ(kind(), "0 groups");
  EXPECT_EQ(living_records(1) + living_records_of_new_types(), 0U);
}

TEST_F(GroupKinds, OffsetsOfTopicsThatAreReadStay) {
  join("a");
  commit("a", 1);
  groups.commit({.member = "a", .generation = 1, .topic = "other"});
  protocol::OffsetDeleteRequest request;
  request.group_id = "group";
  for (const char* const name : {"topic", "other"}) {
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.partitions.emplace_back();
  }
  std::vector<ErrorCode> errors;
  groups.coordinator->delete_offsets(
      request,
      [&](const protocol::OffsetDeleteResponse& response) {
        for (const auto& topic : response.topics) errors.push_back(topic.partitions.at(0).error_code);
      },
      groups.time);
  groups.settle();
  EXPECT_EQ(errors, (std::vector<ErrorCode>{ErrorCode::group_subscribed_to_topic, ErrorCode::none}));
  EXPECT_EQ(groups.fetch("other").offset, -1);
  EXPECT_EQ(groups.fetch().offset, 7);
}

TEST_F(GroupKinds, SessionsEndInTime) {
  join("a");
  ASSERT_TRUE(groups.coordinator->next_deadline());
  groups.advance(45'000);
  EXPECT_EQ(kind(), "consumer Empty");
  groups.coordinator->unload(groups.time);
  EXPECT_EQ(join("a").error, ErrorCode::not_coordinator);
}

TEST_F(GroupKinds, ConversionLeavesWhatAnOlderCoordinatorLoads) {
  join("a");
  commit("a", 1);
  groups.beat({.member = "b",
               .topics = std::vector<std::string>{},
               .pattern = "t.*",
               .owned = AssignedPartitions{},
               .rebalance_ms = 60'000,
               .group = "other"});
  groups.join({.group = "classic"});
  groups.hold_appends = true;
  const auto waits = groups.send(joining("c"));
  std::optional<ClassicConversion> outcome;
  const auto convert = [&] {
    groups.coordinator->convert_to_classic([&](const ClassicConversion& told) { outcome = told; }, groups.time);
  };
  convert();
  const auto too_late = groups.send(joining("d"));
  EXPECT_FALSE(outcome);
  while (!groups.wanted.empty()) groups.append_next();
  groups.hold_appends = false;
  EXPECT_EQ(waits->error, ErrorCode::none);  // its turn came before
  EXPECT_EQ(too_late->error, ErrorCode::unsupported_version);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->groups, 2U);
  EXPECT_EQ(outcome->error, ErrorCode::none);
  EXPECT_EQ(living_records_of_new_types(), 0U);
  EXPECT_EQ(groups.beat({.member = "a", .epoch = 1}).error, ErrorCode::unsupported_version);
  EXPECT_EQ(groups.state("classic"), "PreparingRebalance");
  EXPECT_EQ(groups.fetch().offset, 7);
  convert();
  groups.settle();
  EXPECT_EQ(outcome->groups, 0U);
  EXPECT_EQ(groups.stable_group(1).front()->error, ErrorCode::none);
  groups.advance(60'000);  // nothing of the old members is due any more
}

TEST_F(GroupKinds, AConversionThatFailsIsRepeated) {
  join("a");
  groups.hold_appends = true;
  std::optional<ClassicConversion> outcome;
  const auto convert = [&] {
    groups.coordinator->convert_to_classic([&](const ClassicConversion& told) { outcome = told; }, groups.time);
    groups.settle();
  };
  convert();
  groups.append_next(ErrorCode::request_timed_out);
  EXPECT_EQ(outcome->error, ErrorCode::coordinator_not_available);
  groups.hold_appends = false;
  convert();
  EXPECT_EQ(outcome->error, ErrorCode::none);
  EXPECT_EQ(living_records_of_new_types(), 0U);
  groups.coordinator->unload(groups.time);
  convert();
  EXPECT_EQ(outcome->error, ErrorCode::not_coordinator);
}

TEST(GroupKindsDisabled, MembersOfTheNewProtocolAreRefused) {
  GroupHarness groups;
  EXPECT_EQ(groups.beat(joining("a")).error, ErrorCode::unsupported_version);
}

}  // namespace
}  // namespace millrace::coordinator::test
