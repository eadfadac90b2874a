// Offsets and groups that go: when their time is over, by an admin, with their topics.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/broker/coordinator/group_harness.h"

namespace millrace::coordinator {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::Pair;

constexpr std::int64_t retention_ms = 60'000;

struct ExpiryHarness : GroupHarness {
  ExpiryHarness() : GroupHarness({.offsets_retention_ms = retention_ms}) {}

  // Time passes; whoever is a member keeps alive.
  void age(std::int64_t milliseconds, const std::vector<JoinedPointer>& members = {}) {
    for (; milliseconds > 0; milliseconds -= 1'000) {
      advance(std::min<std::int64_t>(milliseconds, 1'000));
      for (const auto& member : members) ASSERT_EQ(heartbeat(member->member, 1), ErrorCode::none);
    }
    coordinator->remove_expired(time);
    settle();
  }
  // The keys of the tombstones of the newest batch.
  std::vector<std::string> newest_tombstones() const {
    std::vector<std::string> keys;
    for (const auto& record : log.back().append.records) {
      if (record.value) continue;
      const auto key = decode_consumer_offsets_key(record.key);
      if (const auto* offset = std::get_if<OffsetCommitKey>(&*key)) {
        keys.push_back(std::string(offset->topic) + "-" + std::to_string(offset->partition.value()));
      } else {
        keys.push_back("group " + std::string(std::get<GroupMetadataKey>(*key).group));
      }
    }
    return keys;
  }
  ErrorCode delete_group(const std::string& id = "group") {
    const auto answer = std::make_shared<ErrorCode>(ErrorCode::unknown_server_error);
    coordinator->delete_group(id, [answer](ErrorCode error) { *answer = error; }, time);
    settle();
    return *answer;
  }
  using Deleted = std::pair<ErrorCode, std::vector<std::pair<std::string, ErrorCode>>>;
  Deleted delete_offsets(const std::vector<std::string>& topics, const std::string& id = "group") {
    protocol::OffsetDeleteRequest request;
    request.group_id = id;
    for (const auto& name : topics) {
      auto& topic = request.topics.emplace_back();
      topic.name = name;
      topic.partitions.emplace_back();
    }
    const auto answer = std::make_shared<Deleted>(ErrorCode::unknown_server_error, Deleted::second_type{});
    coordinator->delete_offsets(
        request,
        [answer](const protocol::OffsetDeleteResponse& response) {
          answer->first = response.error_code;
          for (const auto& topic : response.topics)
            answer->second.emplace_back(std::string(topic.name), topic.partitions.front().error_code);
        },
        time);
    settle();
    return *answer;
  }
};

TEST(OffsetExpiry, OfAGroupWithoutMembersCountsFromTheCommit) {
  ExpiryHarness groups;
  groups.commit({.partition = 0, .offset = 1});
  groups.age(30'000);
  groups.commit({.partition = 1, .offset = 1});
  groups.age(29'999);
  EXPECT_EQ(groups.fetch("topic", 0).offset, 1);
  groups.age(1);
  EXPECT_EQ(groups.fetch("topic", 0).offset, -1);
  EXPECT_EQ(groups.fetch("topic", 1).offset, 1);
  EXPECT_THAT(groups.newest_tombstones(), ElementsAre("topic-0"));
  groups.age(30'000);
  EXPECT_EQ(groups.state(), "Dead");
  EXPECT_THAT(groups.newest_tombstones(), ElementsAre("topic-1")) << "such a group has no record of its own";
  EXPECT_EQ(groups.coordinator->group_count(), 0);
}

TEST(OffsetExpiry, OfAGroupThatIsLeftCountsFromWhenTheLastMemberLeft) {
  ExpiryHarness groups;
  const auto members = groups.stable_group(1);
  groups.commit({.member = members[0]->member, .generation = 1, .offset = 1});
  groups.age(100'000, members);
  EXPECT_EQ(groups.fetch().offset, 1) << "a member reads the topic";
  groups.leave(members[0]->member);
  groups.age(59'999);
  EXPECT_EQ(groups.fetch().offset, 1);
  groups.reload();
  EXPECT_EQ(groups.fetch().offset, 1);
  groups.age(1);
  EXPECT_EQ(groups.fetch().offset, -1);
  EXPECT_THAT(groups.newest_tombstones(), ElementsAre("topic-0", "group group"));
  EXPECT_EQ(groups.state(), "Dead");
  groups.reload();
  EXPECT_EQ(groups.coordinator->group_count(), 0);
}

TEST(OffsetExpiry, OfATopicThatNobodySubscribesToCountsFromTheCommit) {
  ExpiryHarness groups;
  const auto members = groups.stable_group(1);
  for (const char* topic : {"topic", "other"})
    groups.commit({.member = members[0]->member, .generation = 1, .topic = topic, .offset = 1});
  groups.age(59'999, members);
  EXPECT_EQ(groups.fetch("other").offset, 1);
  groups.age(1, members);
  EXPECT_EQ(groups.fetch("other").offset, -1);
  EXPECT_EQ(groups.fetch("topic").offset, 1);
  EXPECT_EQ(groups.state(), "Stable");
}

TEST(OffsetExpiry, NeverHitsAGroupWhoseSubscriptionsAreNotKnown) {
  for (const JoinInput& input : {JoinInput{.protocols = {{"range", "lies"}}},
                                 JoinInput{.protocols = {{"range", std::string("\0\3\x7f\xff\xff\xff", 6)}}},
                                 JoinInput{.protocols = {{"x", ""}}, .type = "connect"}}) {
    ExpiryHarness groups;
    const auto members = groups.stable_group(1, input);
    groups.commit({.member = members[0]->member, .generation = 1, .topic = "other", .offset = 1});
    groups.age(100'000, members);
    EXPECT_EQ(groups.fetch("other").offset, 1);
  }
}

TEST(OffsetExpiry, IsTheRequestsOwnWhereItNamesARetention) {
  ExpiryHarness groups;
  groups.commit({.partition = 0, .offset = 1, .retention_ms = 10'000});
  groups.commit({.partition = 1, .offset = 1, .retention_ms = 100'000});
  groups.commit({.partition = 2, .offset = 1, .retention_ms = INT64_MAX});
  groups.reload();
  groups.age(9'999);
  EXPECT_EQ(groups.fetch("topic", 0).offset, 1);
  groups.age(1);
  EXPECT_EQ(groups.fetch("topic", 0).offset, -1);
  groups.age(80'000);
  EXPECT_EQ(groups.fetch("topic", 1).offset, 1);
  EXPECT_EQ(groups.fetch("topic", 2).offset, 1);
}

TEST(OffsetExpiry, SparesWhatIsOnItsWay) {
  ExpiryHarness groups;
  groups.commit({.offset = 1});
  groups.age(59'000);
  groups.hold_appends = true;
  groups.commit({.offset = 2});
  groups.age(10'000);
  EXPECT_EQ(groups.fetch().offset, 1);
  EXPECT_EQ(groups.wanted.size(), 1);
  groups.append_next();
  EXPECT_EQ(groups.fetch().offset, 2);
}

TEST(OffsetExpiry, SparesAGroupWithAnOpenTransaction) {
  ExpiryHarness groups;
  groups.commit({.offset = 1, .producer = 7});
  groups.age(100'000);
  EXPECT_EQ(groups.state(), "Empty");
  groups.end_transaction(7, true);
  EXPECT_EQ(groups.fetch().offset, 1);
}

TEST(OffsetExpiry, RemovesAGroupThatNobodyEverJoined) {
  ExpiryHarness groups;
  groups.join({.version = 9});
  EXPECT_EQ(groups.state(), "Empty");
  groups.age(1);
  EXPECT_EQ(groups.state(), "Dead");
  EXPECT_TRUE(groups.log.empty());
}

TEST(OffsetDeletion, SparesTopicsThatMembersRead) {
  ExpiryHarness groups;
  EXPECT_EQ(groups.delete_offsets({"topic"}, "").first, ErrorCode::invalid_group_id);
  EXPECT_EQ(groups.delete_offsets({"topic"}).first, ErrorCode::group_id_not_found);
  const auto member = groups.stable_group(1).front()->member;
  for (const char* topic : {"topic", "other"})
    groups.commit({.member = member, .generation = 1, .topic = topic, .offset = 1});
  const auto [error, topics] = groups.delete_offsets({"topic", "other", "none"});
  EXPECT_EQ(error, ErrorCode::none);
  EXPECT_THAT(topics, ElementsAre(Pair("topic", ErrorCode::group_subscribed_to_topic), Pair("other", ErrorCode::none),
                                  Pair("none", ErrorCode::none)));
  EXPECT_THAT(groups.newest_tombstones(), ElementsAre("other-0"));
  EXPECT_EQ(groups.fetch("other").offset, -1);
  groups.leave(member);
  EXPECT_EQ(groups.delete_offsets({"topic"}).second.front().second, ErrorCode::none);
  EXPECT_EQ(groups.state(), "Dead") << "neither members nor offsets are left";
  EXPECT_THAT(groups.newest_tombstones(), ElementsAre("topic-0", "group group"));
}

TEST(OffsetDeletion, OfAGroupThatIsNoConsumersNeedsItEmpty) {
  ExpiryHarness groups;
  const auto member = groups.stable_group(1, {.type = "connect"}).front()->member;
  EXPECT_EQ(groups.delete_offsets({"topic"}).first, ErrorCode::non_empty_group);
  groups.leave(member);
  EXPECT_EQ(groups.delete_offsets({"topic"}).first, ErrorCode::none);
}

TEST(OffsetDeletion, TakesWhatIsOnItsWayToo) {
  ExpiryHarness groups;
  groups.hold_appends = true;
  groups.commit({.offset = 1});
  groups.commit({.partition = 1, .offset = 1});
  groups.delete_offsets({"topic"});
  while (!groups.wanted.empty()) groups.append_next();
  EXPECT_EQ(groups.fetch("topic", 0).offset, -1);
  EXPECT_EQ(groups.fetch("topic", 1).offset, 1);
  groups.reload();
  EXPECT_EQ(groups.fetch("topic", 0).offset, -1);
}

TEST(OffsetDeletion, FollowsADeletedTopic) {
  ExpiryHarness groups;
  groups.commit({.group = "one", .offset = 1});
  groups.commit({.group = "two", .offset = 1});
  groups.commit({.group = "two", .topic = "other", .offset = 1});
  groups.coordinator->on_partitions_deleted({{"topic", PartitionIndex(0)}}, groups.time);
  groups.settle();
  EXPECT_EQ(groups.state("one"), "Dead");
  EXPECT_EQ(groups.fetch("topic", 0, "two").offset, -1);
  EXPECT_EQ(groups.fetch("other", 0, "two").offset, 1);
  groups.reload();
  EXPECT_EQ(groups.coordinator->group_count(), 1);
}

TEST(GroupDeletion, NeedsAnEmptyGroupAndLeavesNothing) {
  ExpiryHarness groups;
  EXPECT_EQ(groups.delete_group(), ErrorCode::group_id_not_found);
  const auto member = groups.stable_group(1).front()->member;
  groups.commit({.member = member, .generation = 1, .offset = 1});
  EXPECT_EQ(groups.delete_group(), ErrorCode::non_empty_group);
  groups.leave(member);
  EXPECT_EQ(groups.delete_group(), ErrorCode::none);
  EXPECT_THAT(groups.newest_tombstones(), ElementsAre("topic-0", "group group"));
  EXPECT_EQ(groups.state(), "Dead");
  groups.reload();
  EXPECT_EQ(groups.coordinator->group_count(), 0);
  EXPECT_EQ(groups.delete_group(), ErrorCode::group_id_not_found);
}

TEST(GroupDeletion, OfMoreOffsetsThanABatchHoldsTakesSeveral) {
  ExpiryHarness groups;
  groups.config.batch_bytes_max = 600;
  groups.reload();
  for (std::int32_t partition = 0; partition < 50; ++partition) groups.commit({.partition = partition, .offset = 1});
  const auto before = groups.log.size();
  EXPECT_EQ(groups.delete_group(), ErrorCode::none);
  EXPECT_GT(groups.log.size(), before + 1);
  groups.reload();
  EXPECT_EQ(groups.coordinator->find("group"), nullptr);
  EXPECT_EQ(groups.delete_group(), ErrorCode::group_id_not_found);
}

TEST(GroupDeletion, TellsOfABatchThatFailed) {
  ExpiryHarness groups;
  groups.config.batch_bytes_max = 600;
  groups.reload();
  for (std::int32_t partition = 0; partition < 50; ++partition) groups.commit({.partition = partition, .offset = 1});
  groups.hold_appends = true;
  const auto answer = std::make_shared<std::optional<ErrorCode>>();
  groups.coordinator->delete_group("group", [answer](ErrorCode error) { *answer = error; }, groups.time);
  groups.settle();
  ASSERT_GT(groups.wanted.size(), 2U);
  groups.append_next();
  groups.append_next(ErrorCode::not_leader_or_follower);
  EXPECT_FALSE(*answer);
  while (!groups.wanted.empty()) groups.append_next();
  EXPECT_EQ(*answer, ErrorCode::not_coordinator);
}

TEST(GroupDeletion, IsAnsweredOnceItIsInTheLog) {
  ExpiryHarness groups;
  groups.commit({.offset = 1});
  groups.hold_appends = true;
  const auto late = groups.commit({.partition = 1, .offset = 1});
  std::vector<ErrorCode> answers;
  groups.coordinator->delete_group("group", [&](ErrorCode error) { answers.push_back(error); }, groups.time);
  groups.settle();
  groups.append_next();
  EXPECT_EQ(late->error(), ErrorCode::none);
  EXPECT_TRUE(answers.empty());
  groups.append_next();
  EXPECT_THAT(answers, ElementsAre(ErrorCode::none));
  groups.reload();
  EXPECT_EQ(groups.coordinator->group_count(), 0) << "nor does the commit that was on its way bring it back";
}

TEST(GroupDescription, ShowsMembersWithWhatTheySayOnceTheGroupIsStable) {
  ExpiryHarness groups;
  EXPECT_EQ(groups.coordinator->describe("group", 5).group_state, "Dead");
  EXPECT_EQ(groups.coordinator->describe("group", 5).error_code, ErrorCode::none);
  EXPECT_EQ(groups.coordinator->describe("group", 6).error_code, ErrorCode::group_id_not_found);
  const auto member = groups.join({.instance = "instance", .version = 9});
  EXPECT_EQ(groups.coordinator->describe("group", 5).group_state, "PreparingRebalance");
  EXPECT_EQ(groups.coordinator->describe("group", 5).protocol_data, "");
  EXPECT_TRUE(groups.coordinator->describe("group", 5).members.front().member_metadata.empty());
  groups.advance(6'000);
  groups.sync_all({member});
  const auto stable = groups.coordinator->describe("group", 5);
  EXPECT_EQ(stable.group_state, "Stable");
  EXPECT_EQ(stable.protocol_type, "consumer");
  EXPECT_EQ(stable.protocol_data, "range");
  ASSERT_EQ(stable.members.size(), 1);
  EXPECT_EQ(stable.members.front().member_id, member->member);
  EXPECT_EQ(stable.members.front().group_instance_id, "instance");
  EXPECT_EQ(stable.members.front().client_id, "client");
  EXPECT_EQ(stable.members.front().client_host, "/127.0.0.1");
  EXPECT_EQ(text_of(stable.members.front().member_metadata), subscription_to({"topic"}));
  EXPECT_EQ(text_of(stable.members.front().member_assignment), "of " + member->member);
}

TEST(GroupList, FiltersByStateAndType) {
  ExpiryHarness groups;
  groups.stable_group(1);
  groups.commit({.group = "simple"});
  const auto ids = [&](std::vector<std::string_view> states, std::vector<std::string_view> types) {
    protocol::ListGroupsRequest request;
    request.states_filter = std::move(states);
    request.types_filter = std::move(types);
    std::set<std::string> found;
    for (const auto& group : groups.coordinator->list(request).groups)
      found.insert(std::string(group.group_id) + "/" + std::string(group.protocol_type) + "/" +
                   std::string(group.group_state) + "/" + std::string(group.group_type));
    return found;
  };
  EXPECT_THAT(ids({}, {}), ElementsAre("group/consumer/Stable/classic", "simple//Empty/classic"));
  EXPECT_THAT(ids({"stable"}, {}), ElementsAre("group/consumer/Stable/classic"));
  EXPECT_THAT(ids({"EMPTY"}, {"Classic", "consumer"}), ElementsAre("simple//Empty/classic"));
  EXPECT_TRUE(ids({}, {"consumer"}).empty());
  EXPECT_TRUE(ids({"Dead"}, {}).empty());
}

}  // namespace
}  // namespace millrace::coordinator
