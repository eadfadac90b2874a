// Groups that change their kind while they have members.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "broker/coordinator/consumer_group.h"
#include "broker/coordinator/consumer_protocol.h"
#include "test/broker/coordinator/group_harness.h"

namespace millrace::coordinator::test {
namespace {

using Partitions = std::vector<std::int32_t>;

struct GroupMigration : testing::Test {
  explicit GroupMigration(ConsumerGroupMigrationPolicy policy = ConsumerGroupMigrationPolicy::bidirectional)
      : groups({.group_consumer_migration_policy = policy}) {
    groups.directory.put("topic", 4);
  }

  [[nodiscard]] AssignedPartitions of_topic(const Partitions& numbers) const {
    AssignedPartitions all;
    for (const auto number : numbers) all[groups.directory.id("topic")].emplace_back(number);
    return all;
  }
  [[nodiscard]] std::string encoded(const Partitions& numbers) const {
    return text_of(encode_assignment(of_topic(numbers), std::vector<std::uint8_t>{0, 3}, groups.directory));
  }
  [[nodiscard]] Partitions decoded(const std::string& assignment) const {
    Partitions numbers;
    const auto known = decode_assignment(bytes_of(assignment), groups.directory);
    EXPECT_TRUE(known) << known.error().message;
    if (!known) return numbers;
    for (const auto& [topic, partitions] : *known) {
      for (const auto partition : partitions) numbers.push_back(partition.value());
    }
    return numbers;
  }
  // A subscription to the topic that says what its member has.
  [[nodiscard]] std::string owning(const Partitions& numbers) const {
    std::string text{'\0', '\1', '\0', '\0', '\0', '\1', '\0', '\5'};
    text += "topic";
    text += std::string(4, '\xff');  // no user data
    const auto number = [&](std::size_t value) {
      text += std::string(3, '\0');
      text += static_cast<char>(value);
    };
    number(numbers.empty() ? 0 : 1);
    if (numbers.empty()) return text;
    text += std::string{'\0', '\5'} + "topic";
    number(numbers.size());
    for (const auto each : numbers) number(static_cast<std::size_t>(each));
    return text;
  }
  [[nodiscard]] JoinInput rejoining(const std::string& member, const Partitions& numbers = {}) const {
    return {.member = member, .protocols = {{"range", owning(numbers)}}};
  }

  // A stable classic group whose members have {0, 1} and {2, 3}.
  std::vector<std::string> classic_group(const std::optional<std::string>& instance = {}) {
    JoinInput input{.protocols = {{"range", owning({})}}};
    const auto first = groups.join(input);
    input.instance = instance;
    const auto second = groups.join(input);
    for (int rounds = 0; rounds < 100 && second->answers == 0; ++rounds) groups.advance(3'000);
    groups.sync(first->member, 1, {{first->member, encoded({0, 1})}, {second->member, encoded({2, 3})}});
    groups.sync(second->member, 1);
    EXPECT_EQ(groups.state(), "Stable");
    return {first->member, second->member};
  }
  Beat beat(const std::string& member, std::int32_t epoch, const std::optional<Partitions>& owned = {}) {
    BeatInput input{.member = member, .epoch = epoch};
    if (owned) input.owned = of_topic(*owned);
    return groups.beat(input);
  }
  [[nodiscard]] std::string kind() const {
    const auto list = groups.coordinator->list({});
    if (list.groups.size() != 1) return std::to_string(list.groups.size()) + " groups";
    return std::string(list.groups.front().group_type) + " " + std::string(list.groups.front().group_state);
  }
  [[nodiscard]] const ConsumerGroup* consumer() const { return groups.coordinator->find_consumer("group"); }
  [[nodiscard]] bool has_living_records_of_new_types() const {
    std::map<Bytes, bool> newest;
    for (const auto& logged : groups.log) {
      for (const auto& record : logged.append.records) newest[record.key] = record.value.has_value();
    }
    return std::ranges::any_of(newest, [](const auto& each) { return each.first.at(1) >= 3 && each.second; });
  }

  GroupHarness groups;
};

TEST_F(GroupMigration, AClassicGroupGoesOnAsAConsumerGroup) {
  const auto classic = classic_group();
  groups.commit({.member = classic[0], .generation = 1, .offset = 7});
  const Beat joined = groups.beat(joining("new"));
  EXPECT_EQ(joined.error, ErrorCode::none);
  EXPECT_EQ(joined.epoch, 2);
  EXPECT_EQ(joined.assignment, AssignedPartitions{});  // all of it is still the others'
  ASSERT_NE(consumer(), nullptr);
  EXPECT_EQ(consumer()->members().size(), 3U);
  EXPECT_EQ(consumer()->find(classic[0])->assigned, of_topic({0, 1}));
  EXPECT_EQ(kind(), "consumer Reconciling");
  // The classic members are told to join again, and give up what they have to.
  EXPECT_EQ(groups.heartbeat(classic[0], 1), ErrorCode::rebalance_in_progress);
  EXPECT_EQ(groups.commit({.member = classic[0], .generation = 1, .offset = 8, .version = 8})->error(),
            ErrorCode::none);
  EXPECT_EQ(groups.commit({.member = classic[0], .generation = 2})->error(), ErrorCode::illegal_generation);
  std::map<std::string, Partitions> given;
  for (const auto& member : classic) {
    const auto before = member == classic[0] ? Partitions{0, 1} : Partitions{2, 3};
    auto rejoined = groups.join(rejoining(member, before));
    ASSERT_EQ(rejoined->error, ErrorCode::none);
    EXPECT_EQ(rejoined->member, member);
    EXPECT_EQ(rejoined->protocol, "range");
    EXPECT_EQ(rejoined->type, "consumer");
    EXPECT_EQ(rejoined->leader, "");
    EXPECT_EQ(rejoined->members.size(), 0U);
    auto synced = groups.sync(member, rejoined->generation);
    EXPECT_EQ(synced->error, ErrorCode::none);
    given[member] = decoded(synced->assignment);
    if (rejoined->generation == 2) continue;
    // Having given it up, it joins once more for the new epoch.
    EXPECT_EQ(groups.heartbeat(member, rejoined->generation), ErrorCode::rebalance_in_progress);
    rejoined = groups.join(rejoining(member, given[member]));
    EXPECT_EQ(rejoined->generation, 2);
    given[member] = decoded(groups.sync(member, 2)->assignment);
    EXPECT_EQ(groups.heartbeat(member, 2), ErrorCode::none);
  }
  const Beat later = beat("new", 2, Partitions{});
  std::vector<std::int32_t> all;
  for (const auto& [member, partitions] : given) all.insert(all.end(), partitions.begin(), partitions.end());
  for (const auto partition : later.assignment->begin()->second) all.push_back(partition.value());
  std::ranges::sort(all);
  EXPECT_EQ(all, (Partitions{0, 1, 2, 3}));
  beat("new", 2, Partitions{later.assignment->begin()->second.front().value()});
  EXPECT_EQ(kind(), "consumer Stable");
  EXPECT_EQ(groups.fetch().offset, 8);
  groups.coordinator->consumer_group_describe(
      "group",
      [&](const protocol::ConsumerGroupDescribeResponse::Group& answer) {
        ASSERT_EQ(answer.members.size(), 3U);
        EXPECT_EQ(std::ranges::count(answer.members, protocol::GroupMemberType::classic,
                                     &protocol::ConsumerGroupDescribeResponse::Group::Member::member_type),
                  2);
      },
      groups.time);
  // Another coordinator finds the same.
  const auto members = consumer()->members();
  groups.reload();
  EXPECT_EQ(kind(), "consumer Stable");
  EXPECT_EQ(consumer()->members(), members);
  EXPECT_EQ(groups.heartbeat(classic[0], 2), ErrorCode::none);
}

TEST_F(GroupMigration, WhoeverWaitsInTheClassicGroupJoinsAgain) {
  const auto classic = classic_group();
  const auto waits = groups.join(rejoining(classic[0], {0, 1}));
  EXPECT_EQ(waits->answers, 0);
  EXPECT_EQ(groups.beat(joining("new")).epoch, 2);
  EXPECT_EQ(waits->error, ErrorCode::rebalance_in_progress);
  EXPECT_EQ(waits->answers, 1);
  groups.advance(1);
  EXPECT_EQ(groups.join(rejoining(classic[0], {0, 1}))->error, ErrorCode::none);
}

TEST_F(GroupMigration, OnlyGroupsOfConsumersAreConverted) {
  groups.stable_group(1);  // with an assignment that is none
  EXPECT_EQ(groups.beat(joining("new")).error, ErrorCode::group_id_not_found);
  EXPECT_EQ(groups.beat(joining("new")).message,
            "Cannot upgrade classic group group to consumer group because the embedded consumer protocol is "
            "malformed.");
  auto other = joining("new");
  other.group = "connect";
  groups.stable_group(1, {.group = "connect", .protocols = {{"default", "{}"}}, .type = "connect"});
  EXPECT_EQ(groups.beat(other).message,
            "Cannot upgrade classic group connect to consumer group because the group does not use the consumer "
            "embedded protocol.");
  EXPECT_EQ(groups.state("connect"), "Stable");
}

TEST_F(GroupMigration, TheLastMemberOfTheNewProtocolLeavesAClassicGroup) {
  const auto classic = classic_group();
  groups.commit({.member = classic[0], .generation = 1, .offset = 7});
  groups.beat(joining("new"));
  for (const auto& member : classic) {
    const auto joined = groups.join(rejoining(member));  // with nothing left: it has given up all
    EXPECT_EQ(joined->generation, 2);
    groups.sync(member, 2);
  }
  EXPECT_EQ(beat("new", -1).error, ErrorCode::none);
  EXPECT_EQ(consumer(), nullptr);
  EXPECT_EQ(kind(), "classic PreparingRebalance");
  EXPECT_FALSE(has_living_records_of_new_types());
  EXPECT_EQ(groups.heartbeat(classic[0], 2), ErrorCode::rebalance_in_progress);
  const auto first = groups.join(rejoining(classic[0]));
  const auto second = groups.join(rejoining(classic[1]));
  EXPECT_EQ(first->error, ErrorCode::none);
  EXPECT_EQ(first->generation, 3);
  EXPECT_EQ(second->generation, 3);
  EXPECT_NE(first->leader, "");
  groups.sync_all({first, second});
  EXPECT_EQ(groups.fetch().offset, 7);
  groups.reload();
  EXPECT_EQ(kind(), "classic Stable");
  EXPECT_EQ(groups.heartbeat(classic[0], 3), ErrorCode::none);
}

TEST_F(GroupMigration, AMemberOfTheNewProtocolThatFallsSilentLeavesAClassicGroup) {
  const auto classic = classic_group();
  groups.beat(joining("new"));
  for (int round = 0; round < 10 && consumer() != nullptr; ++round) {
    groups.advance(5'000);
    for (const auto& member : classic) {
      if (consumer() == nullptr) break;
      const auto epoch = consumer()->find(member)->epoch;
      if (groups.heartbeat(member, epoch) != ErrorCode::rebalance_in_progress) continue;
      const auto joined = groups.join(rejoining(member));
      groups.sync(member, joined->generation);
    }
  }
  EXPECT_EQ(kind(), "classic PreparingRebalance");
}

TEST_F(GroupMigration, AStaticMemberMayChangeItsProtocol) {
  const auto classic = classic_group("i");
  auto input = joining("new");
  input.instance = "i";
  const Beat joined = groups.beat(input);
  EXPECT_EQ(joined.error, ErrorCode::none);
  EXPECT_EQ(joined.assignment, of_topic({2, 3}));  // its own
  EXPECT_EQ(consumer()->find(classic[1]), nullptr);
  EXPECT_EQ(groups.heartbeat(classic[1], 1, "group", "i"), ErrorCode::fenced_instance_id);
  // And back: nobody of the new protocol is left.
  const auto back = groups.join({.instance = "i", .protocols = {{"range", owning({2, 3})}}});
  EXPECT_EQ(kind(), "classic PreparingRebalance");
  const auto other = groups.join(rejoining(classic[0]));
  EXPECT_EQ(back->error, ErrorCode::none);
  EXPECT_EQ(back->answers, 1);
  EXPECT_EQ(other->generation, back->generation);
  EXPECT_EQ(beat("new", joined.epoch).error, ErrorCode::group_id_not_found);
}

TEST_F(GroupMigration, AClassicMemberJoinsAConsumerGroup) {
  groups.beat(joining("new"));
  const auto asked = groups.join({.protocols = {{"range", owning({})}}, .version = 4});
  EXPECT_EQ(asked->error, ErrorCode::member_id_required);
  ASSERT_FALSE(asked->member.empty());
  const auto joined = groups.join(rejoining(asked->member));
  EXPECT_EQ(joined->error, ErrorCode::none);
  EXPECT_EQ(joined->generation, 2);
  EXPECT_EQ(decoded(groups.sync(asked->member, 2)->assignment), Partitions{});
  EXPECT_EQ(groups.heartbeat(asked->member, 2), ErrorCode::none);
  EXPECT_EQ(beat("new", 1).epoch, 1);
  const Beat gave_up = beat("new", 1, Partitions{0, 1});
  EXPECT_EQ(gave_up.epoch, 2);
  // What it waited for is free: it joins again.
  EXPECT_EQ(groups.heartbeat(asked->member, 2), ErrorCode::rebalance_in_progress);
  EXPECT_EQ(groups.join(rejoining(asked->member))->generation, 2);
  EXPECT_EQ(decoded(groups.sync(asked->member, 2, {}, "group", {}, "consumer", "range")->assignment),
            (Partitions{2, 3}));
  EXPECT_EQ(groups.heartbeat(asked->member, 2), ErrorCode::none);
  // What others of the group's or of another kind say in its name.
  EXPECT_EQ(groups.heartbeat("new", 2), ErrorCode::unknown_member_id);
  EXPECT_EQ(groups.heartbeat(asked->member, 1), ErrorCode::illegal_generation);
  EXPECT_EQ(groups.sync(asked->member, 2, {}, "group", {}, "connect")->error, ErrorCode::inconsistent_group_protocol);
  EXPECT_EQ(groups.sync(asked->member, 2, {}, "group", {}, "consumer", "sticky")->error,
            ErrorCode::inconsistent_group_protocol);
  EXPECT_EQ(groups.sync("nobody", 2)->error, ErrorCode::unknown_member_id);
  EXPECT_EQ(groups.join({.protocols = {{"sticky", owning({})}}})->error, ErrorCode::inconsistent_group_protocol);
  EXPECT_EQ(groups.join({.protocols = {{"range", "x"}}})->error, ErrorCode::unknown_server_error);
  EXPECT_EQ(groups.leave(asked->member), ErrorCode::none);
  EXPECT_EQ(consumer()->members().size(), 1U);
  EXPECT_EQ(kind(), "consumer Assigning");
}

TEST_F(GroupMigration, IsWrittenInBatchesThatTheTopicTakes) {
  groups.config.batch_bytes_max = 600;
  groups.reload();
  const auto classic = classic_group();
  const auto before = groups.log.size();
  EXPECT_EQ(groups.beat(joining("new")).error, ErrorCode::none);
  EXPECT_GT(groups.log.size(), before + 1) << "more than one batch";
  ASSERT_NE(consumer(), nullptr);
  EXPECT_EQ(consumer()->members().size(), 3U);
  // What the log is not known to have is written once more, in batches, too.
  groups.hold_appends = true;
  const auto other = groups.send(joining("other"));
  groups.append_next(ErrorCode::request_timed_out);
  groups.hold_appends = false;
  groups.settle();
  EXPECT_EQ(other->error, ErrorCode::coordinator_not_available);
  EXPECT_EQ(beat("new", 2).error, ErrorCode::none);
  groups.reload();
  ASSERT_NE(consumer(), nullptr);
  EXPECT_EQ(consumer()->members().size(), 4U);
  EXPECT_EQ(consumer()->find(classic[0])->assigned, of_topic({0, 1}));
}

TEST_F(GroupMigration, RefusesAMemberWhoseRecordTheTopicDoesNotTake) {
  groups.config.batch_bytes_max = 1'000;
  groups.reload();
  EXPECT_EQ(groups.beat(joining("new")).error, ErrorCode::none);
  const auto logged = groups.log.size();
  const auto refused = groups.beat(joining("large", {std::string(2'000, 't')}));
  EXPECT_EQ(refused.error, ErrorCode::unknown_server_error);
  EXPECT_NE(refused.message.find("where a batch may have 1000 (message.max.bytes)"), std::string::npos)
      << refused.message;
  const auto padded = owning({}) + std::string(2'000, 'x');
  EXPECT_EQ(groups.join({.protocols = {{"range", owning({})}, {"sticky", padded}}})->error,
            ErrorCode::unknown_server_error);
  EXPECT_EQ(groups.log.size(), logged);
  EXPECT_EQ(consumer()->members().size(), 1U);
  EXPECT_EQ(beat("new", 1).error, ErrorCode::none);
}

TEST_F(GroupMigration, LeavesAClassicGroupWhoseMembersTheTopicWouldNotTake) {
  groups.config.batch_bytes_max = 1'000;
  groups.reload();
  const auto padded = owning({}) + std::string(900, 'x');
  const auto first = groups.join({.protocols = {{"range", owning({})}, {"sticky", padded}}});
  groups.advance(3'000);
  ASSERT_EQ(groups.sync(first->member, 1, {{first->member, encoded({0, 1, 2, 3})}})->error, ErrorCode::none);
  EXPECT_EQ(groups.beat(joining("new")).error, ErrorCode::unknown_server_error);
  EXPECT_EQ(kind(), "classic Stable");
  EXPECT_EQ(groups.heartbeat(first->member, 1), ErrorCode::none);
}

TEST_F(GroupMigration, AClassicRecordIsNotSaidBehindTheUpgradeThatOvertookIt) {
  groups.beat(joining("new"));
  const auto classic = groups.join({.protocols = {{"range", owning({})}}});
  groups.hold_appends = true;
  groups.send({.member = "new", .epoch = -1});
  ASSERT_EQ(consumer(), nullptr) << "a classic group with one member";
  const auto next = groups.send(joining("next"));
  EXPECT_EQ(next->answers, 0);
  EXPECT_EQ(groups.leave(classic->member), ErrorCode::none);
  groups.append_next();
  groups.hold_appends = false;
  groups.settle();
  EXPECT_EQ(next->error, ErrorCode::none);
  ASSERT_NE(consumer(), nullptr);
  const auto members = consumer()->members().size();
  groups.reload();
  ASSERT_NE(consumer(), nullptr) << "the log says what was in memory";
  EXPECT_EQ(consumer()->members().size(), members);
  EXPECT_EQ(beat("next", next->epoch).error, ErrorCode::none);
}

TEST_F(GroupMigration, MembersOfBothKindsLeaveTogether) {
  groups.beat(joining("new"));
  const auto joined = groups.join({.protocols = {{"range", owning({})}}});
  EXPECT_EQ(groups.leave_all({{"new", std::nullopt}, {joined->member, std::nullopt}}),
            (std::vector{ErrorCode::none, ErrorCode::none}));
}

// An admin's removeMembersFromConsumerGroup sends LeaveGroup, whatever the member speaks.
TEST_F(GroupMigration, AMemberOfTheNewProtocolLeavesByTheClassicRequest) {
  groups.beat(joining("new"));
  const auto joined = groups.join({.protocols = {{"range", owning({})}}});
  EXPECT_EQ(groups.leave("nobody"), ErrorCode::unknown_member_id);
  EXPECT_EQ(groups.leave("new"), ErrorCode::none);
  groups.settle();
  EXPECT_EQ(groups.leave("new"), ErrorCode::unknown_member_id);
  EXPECT_EQ(consumer(), nullptr) << "only a classic member is left";
  ASSERT_NE(groups.coordinator->find("group"), nullptr);
  EXPECT_EQ(groups.coordinator->find("group")->members().front().id, joined->member);
}

TEST_F(GroupMigration, AClassicMemberThatDoesNotFollowIsDropped) {
  groups.beat(joining("new"));
  const auto joined = groups.join({.protocols = {{"range", owning({})}}, .session_ms = 10'000, .rebalance_ms = 20'000});
  const auto& id = joined->member;
  const auto alive = [&](std::int64_t milliseconds, bool says) {
    for (std::int64_t passed = 0; passed < milliseconds && consumer()->find(id) != nullptr; passed += 1'000) {
      groups.advance(1'000);
      if (says) (void)groups.heartbeat(id, consumer()->find(id) == nullptr ? 0 : consumer()->find(id)->epoch);
      beat("new", consumer()->find("new")->epoch);
    }
    return consumer()->find(id) != nullptr;
  };
  EXPECT_TRUE(alive(19'000, true));
  EXPECT_FALSE(alive(2'000, true));  // it has not asked for what it has
  const auto again = groups.join({.protocols = {{"range", owning({})}}, .session_ms = 10'000});
  groups.sync(again->member, again->generation);
  EXPECT_NE(consumer()->find(again->member), nullptr);
  groups.advance(10'000);  // silence
  EXPECT_EQ(consumer()->find(again->member), nullptr);
}

TEST_F(GroupMigration, AGroupOfBothKindsIsHandedBack) {
  const auto classic = classic_group();
  groups.beat(joining("new"));
  ClassicConversion outcome;
  groups.coordinator->convert_to_classic([&](const ClassicConversion& told) { outcome = told; }, groups.time);
  groups.settle();
  EXPECT_EQ(outcome.groups, 1U);
  EXPECT_EQ(kind(), "classic PreparingRebalance");
  EXPECT_FALSE(has_living_records_of_new_types());
  EXPECT_EQ(groups.heartbeat(classic[0], 2), ErrorCode::rebalance_in_progress);
  EXPECT_EQ(groups.beat(joining("new")).error, ErrorCode::unsupported_version);
}

TEST_F(GroupMigration, AFailedConversionIsSaidAgain) {
  const auto classic = classic_group();
  groups.hold_appends = true;
  const auto joined = groups.send(joining("new"));
  groups.append_next(ErrorCode::not_enough_replicas);
  EXPECT_EQ(joined->error, ErrorCode::coordinator_not_available);
  const auto left = groups.send({.member = "new", .epoch = -1});
  groups.append_next(ErrorCode::not_enough_replicas);
  groups.hold_appends = false;
  EXPECT_EQ(kind(), "classic PreparingRebalance");
  const auto first = groups.join(rejoining(classic[0]));
  const auto second = groups.join(rejoining(classic[1]));
  groups.sync_all({first, second});
  // Nothing that was said of the other kind takes the group away.
  groups.coordinator->remove_expired(groups.time);
  groups.settle();
  groups.reload();
  EXPECT_EQ(kind(), "classic Stable");
  EXPECT_FALSE(has_living_records_of_new_types());
}

struct GroupMigrationDisabled : GroupMigration {
  GroupMigrationDisabled() : GroupMigration(ConsumerGroupMigrationPolicy::disabled) {}
};

TEST_F(GroupMigrationDisabled, MembersOfTheOtherKindAreRefused) {
  const auto classic = classic_group();
  EXPECT_EQ(groups.beat(joining("new")).error, ErrorCode::group_id_not_found);
  EXPECT_EQ(groups.heartbeat(classic[0], 1), ErrorCode::none);
  auto other = joining("new");
  other.group = "other";
  EXPECT_EQ(groups.beat(other).error, ErrorCode::none);
  EXPECT_EQ(groups.join({.group = "other"})->error, ErrorCode::inconsistent_group_protocol);
}

struct GroupMigrationUpgradeOnly : GroupMigration {
  GroupMigrationUpgradeOnly() : GroupMigration(ConsumerGroupMigrationPolicy::upgrade) {}
};

TEST_F(GroupMigrationUpgradeOnly, ClassicMembersStayInTheConsumerGroup) {
  const auto classic = classic_group();
  EXPECT_EQ(groups.beat(joining("new")).error, ErrorCode::none);
  beat("new", -1);
  EXPECT_EQ(kind(), "consumer Assigning");
  EXPECT_EQ(groups.join(rejoining(classic[0]))->generation, 3);
}

}  // namespace
}  // namespace millrace::coordinator::test
