// What a partition's records become: groups, offsets, open transactions. Also of a log that a real broker of 3.9.2 wrote.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <ctime>

#include "broker/coordinator/consumer_group_encoding.h"
#include "test/broker/coordinator/group_harness.h"
#include "test/broker/protocol/golden_file.h"

namespace millrace::coordinator {
namespace {

using namespace test;

// The batches of the golden log, up to the one that starts at `end`.
LoadedGroups golden_groups(Offset end = Offset(INT64_MAX)) {
  GroupLoad load;
  for (const auto& line : protocol::test::golden_lines("consumer_offsets.txt")) {
    const Bytes bytes = protocol::test::from_hex(line);
    const auto batch = protocol::parse_batch(bytes);
    if (batch->header.base_offset >= end) break;
    EXPECT_TRUE(load.read(batch->header, batch->records()));
  }
  return std::move(load).finish();
}

struct GoldenHarness : GroupHarness {
  explicit GoldenHarness(Offset end = Offset(INT64_MAX), GroupConfig configuration = {}) : GroupHarness(configuration) {
    coordinator = std::make_unique<GroupCoordinator>(config, random);
    coordinator->load(golden_groups(end), time);
  }
};

TEST(GroupLoad, FindsTheGroupsOfARealBrokersLog) {
  GoldenHarness groups;
  EXPECT_EQ(groups.coordinator->group_count(), 4);
  EXPECT_EQ(groups.state("plain"), "Empty");
  EXPECT_EQ(groups.coordinator->find("plain")->generation(), 2);
  EXPECT_EQ(groups.coordinator->find("plain")->protocol_type(), "consumer");
  EXPECT_EQ(groups.coordinator->find("plain")->state_timestamp(), TimestampMs(1795361192505));
  EXPECT_EQ(groups.fetch("input", 0, "plain").offset, 3);
  EXPECT_EQ(groups.fetch("input", 0, "plain").leader_epoch, 0);
  EXPECT_EQ(groups.fetch("input", 1, "plain").offset, -1) << "its tombstone came last";
  EXPECT_EQ(groups.fetch("input", 0, "static").offset, 3);
  EXPECT_EQ(groups.state("static"), "Empty");
  EXPECT_EQ(groups.fetch("input", 1, "simple-\xc3\xbc").offset, 0);
  EXPECT_EQ(groups.coordinator->find("simple-\xc3\xbc")->protocol_type(), std::nullopt);
  EXPECT_EQ(groups.state("doomed"), "Dead");
  EXPECT_EQ(groups.fetch("txn-eeud7x-in", 0, "txn-eeud7x-g", true).offset, 3);
}

TEST(GroupLoad, GoesOnWithTheMembersThatTheLogNames) {
  GoldenHarness groups(Offset(5));  // up to the static member's first generation
  ASSERT_EQ(groups.state("static"), "Stable");
  const Group* const group = groups.coordinator->find("static");
  EXPECT_EQ(group->generation(), 1);
  EXPECT_EQ(group->protocol_name(), "range");
  ASSERT_EQ(group->size(), 1);
  const auto& member = group->members().front();
  EXPECT_EQ(member.instance_id, "instance-1");
  EXPECT_EQ(group->leader_id(), member.id);
  EXPECT_EQ(member.session_timeout_ms, 45'000);
  EXPECT_EQ(member.rebalance_timeout_ms, 300'000);
  ASSERT_TRUE(group->subscribed_topics());
  EXPECT_THAT(*group->subscribed_topics(), testing::ElementsAre("input"));
  const std::string id = member.id;
  EXPECT_FALSE(groups.sync(id, 1, {}, "static", "instance-1")->assignment.empty());
  groups.advance(44'999);
  EXPECT_EQ(groups.heartbeat(id, 1, "static", "instance-1"), ErrorCode::none);
  groups.advance(45'000);
  EXPECT_EQ(groups.state("static"), "Empty") << "nobody came";
}

TEST(GroupLoad, KeepsAnOpenTransactionOpen) {
  for (const bool commit : {true, false}) {
    GoldenHarness groups(Offset(18));  // the second transaction's offset is in, its marker is not
    EXPECT_EQ(groups.fetch("txn-eeud7x-in", 0, "txn-eeud7x-g").offset, -1) << "the first one was aborted";
    EXPECT_EQ(groups.fetch("txn-eeud7x-in", 0, "txn-eeud7x-g", true).error, ErrorCode::unstable_offset_commit);
    groups.end_transaction(1, commit);
    EXPECT_EQ(groups.fetch("txn-eeud7x-in", 0, "txn-eeud7x-g", true).offset, commit ? 3 : -1);
  }
}

TEST(GroupLoad, ShrinksAGroupThatHasBecomeTooLarge) {
  GroupHarness groups;
  const auto members = groups.stable_group(3);
  groups.config.group_max_size = 2;
  groups.reload();
  EXPECT_EQ(groups.state(), "PreparingRebalance");
  EXPECT_EQ(groups.commit({.member = members[2]->member, .generation = 1, .offset = 5})->error(), ErrorCode::none);
  const auto first = groups.join({.member = members[0]->member});
  const auto second = groups.join({.member = members[1]->member});
  EXPECT_EQ(groups.join({.member = members[1]->member})->answers, 0) << "who waits may ask again, however full it is";
  EXPECT_EQ(groups.join({.member = members[2]->member})->error, ErrorCode::group_max_size_reached);
  EXPECT_EQ(first->members.size(), 2);
}

TEST(GroupLoad, PassesOverWhatItCannotRead) {
  protocol::RecordBatchBuilder builder({});
  const Bytes unknown{0, 9, 0, 1, 'g'};
  const Bytes torn{0, 2, 0};
  const auto group_key = *encode_key(GroupMetadataKey{"group"});
  const Bytes newer_value{0, 9};
  const auto offset_key = *encode_key(OffsetCommitKey{"group", "topic", PartitionIndex(0)});
  const auto offset_value = *encode_value(OffsetCommitValue{.offset = Offset(5)});
  const TimestampMs now(1);
  builder.append(now, unknown, newer_value);
  builder.append(now, torn, newer_value);
  builder.append(now, group_key, newer_value);
  builder.append(now, offset_key, newer_value);
  builder.append(now, std::nullopt, newer_value);
  builder.append(now, offset_key, offset_value);
  const Bytes bytes = *builder.build();
  const auto batch = protocol::parse_batch(bytes);
  GroupLoad load;
  ASSERT_TRUE(load.read(batch->header, batch->records()));
  LoadedGroups loaded = std::move(load).finish();
  EXPECT_EQ(loaded.unknown_keys, 1);
  EXPECT_EQ(loaded.unreadable_records, 4);
  EXPECT_THAT(loaded.first_unreadable, testing::StartsWith("offset 1: GroupMetadataKey"));
  GroupHarness groups;
  groups.coordinator = std::make_unique<GroupCoordinator>(groups.config, groups.random);
  groups.coordinator->load(std::move(loaded), groups.time);
  EXPECT_EQ(groups.fetch().offset, 5);
  EXPECT_EQ(groups.state(), "Empty");
}

TEST(GroupLoad, TakesAGroupForWhatItsNewestRecordSays) {
  GroupMetadataValue classic;
  classic.protocol_type = "consumer";
  classic.generation = 3;
  const GroupRecord old{*encode_key(GroupMetadataKey{"group"}), *encode_value(classic)};
  const auto loaded = [](const std::vector<GroupRecord>& records) {
    protocol::RecordBatchBuilder builder({});
    for (const auto& record : records) builder.append(TimestampMs(1), record.key, record.value);
    const Bytes bytes = *builder.build();
    const auto batch = protocol::parse_batch(bytes);
    GroupLoad load;
    EXPECT_TRUE(load.read(batch->header, batch->records()));
    return std::move(load).finish();
  };
  const auto upgraded = loaded({old, group_epoch_record("group", 4)});
  EXPECT_TRUE(upgraded.groups.empty());
  ASSERT_EQ(upgraded.consumer_groups.size(), 1);
  EXPECT_EQ(upgraded.consumer_groups[0].epoch(), 4);
  const auto downgraded = loaded({old, group_epoch_record("group", 4), old, group_epoch_tombstone("group")});
  EXPECT_TRUE(downgraded.consumer_groups.empty());
  EXPECT_FALSE(downgraded.groups.at("group").value.empty());
}

TEST(GroupLoad, TakesAMemberWithoutAProtocolForNoClassicOne) {
  ConsumerGroupMember member;
  member.id = "member";
  member.classic = ClassicMembership{45'000, {}};
  protocol::RecordBatchBuilder builder({});
  for (const auto& record : {group_epoch_record("group", 4), member_record("group", member)})
    builder.append(TimestampMs(1), record.key, record.value);
  const Bytes bytes = *builder.build();
  const auto batch = protocol::parse_batch(bytes);
  GroupLoad load;
  ASSERT_TRUE(load.read(batch->header, batch->records()));
  const auto loaded = std::move(load).finish();
  ASSERT_EQ(loaded.consumer_groups.size(), 1U);
  ASSERT_NE(loaded.consumer_groups[0].find("member"), nullptr);
  EXPECT_FALSE(loaded.consumer_groups[0].find("member")->classic);
}

TEST(GroupLoad, SurvivesARecordThatContradictsItself) {
  GroupMetadataValue value;
  value.protocol_type = "consumer";
  value.generation = 4;
  value.leader = "nobody";  // and no protocol, though there are members
  value.members.resize(3);
  for (auto& member : value.members) {
    member.member_id = "member";
    member.group_instance_id = "instance";
    member.session_timeout_ms = -1;
  }
  value.members[2].member_id = "other";
  LoadedGroups loaded;
  loaded.groups["group"].value = *encode_value(value);
  GroupHarness groups;
  groups.coordinator = std::make_unique<GroupCoordinator>(groups.config, groups.random);
  groups.coordinator->load(std::move(loaded), groups.time);
  EXPECT_EQ(groups.coordinator->find("group")->size(), 2);
  EXPECT_EQ(groups.coordinator->find("group")->leader_id(), "member");
  EXPECT_EQ(groups.coordinator->describe("group", 5).members.size(), 2);
  groups.advance(0);
  EXPECT_EQ(groups.state(), "Empty");
}

TEST(GroupLoad, TellsMembersOfAGroupWithoutAProtocolTypeNone) {
  GroupMetadataValue value;
  value.generation = 4;
  value.protocol_name = "range";
  value.leader = "member";
  value.members.resize(1);
  value.members[0].member_id = "member";
  value.members[0].session_timeout_ms = 10'000;
  LoadedGroups loaded;
  loaded.groups["group"].value = *encode_value(value);
  GroupHarness groups;
  groups.coordinator = std::make_unique<GroupCoordinator>(groups.config, groups.random);
  groups.coordinator->load(std::move(loaded), groups.time);
  const auto synced = groups.sync("member", 4);
  EXPECT_EQ(synced->error, ErrorCode::none);
  EXPECT_FALSE(synced->type);
}

TEST(GroupLoad, LeavesAGroupARoundAfterTheLargestGeneration) {
  GroupMetadataValue value;
  value.protocol_type = "consumer";
  value.generation = std::numeric_limits<std::int32_t>::max();
  LoadedGroups loaded;
  loaded.groups["group"].value = *encode_value(value);
  GroupHarness groups;
  groups.coordinator = std::make_unique<GroupCoordinator>(groups.config, groups.random);
  groups.coordinator->load(std::move(loaded), groups.time);
  EXPECT_EQ(groups.coordinator->find("group")->generation(), std::numeric_limits<std::int32_t>::max());
  groups.stable_group(1);
  EXPECT_EQ(groups.coordinator->find("group")->generation(), 1);
}

TEST(GroupUnload, AnswersWhoeverWaits) {
  GroupHarness groups;
  const auto members = groups.stable_group(2);
  const auto joining = groups.join({.member = members[0]->member});
  const auto leader = groups.join({.group = "second"});
  const auto follower = groups.join({.group = "second"});
  groups.advance(6'000);
  const auto syncing = groups.sync(follower->member, 1, {}, "second");
  groups.hold_appends = true;
  const auto committing = groups.commit({.group = "third", .offset = 1});
  groups.coordinator->unload(groups.time);
  EXPECT_EQ(joining->error, ErrorCode::not_coordinator);
  EXPECT_EQ(joining->member, members[0]->member);
  EXPECT_EQ(syncing->error, ErrorCode::not_coordinator);
  EXPECT_EQ(committing->error(), ErrorCode::not_coordinator);
  EXPECT_EQ(joining->answers + syncing->answers + committing->answers, 3);
  EXPECT_EQ(groups.heartbeat(members[0]->member, 1), ErrorCode::not_coordinator);
  EXPECT_EQ(groups.join({})->error, ErrorCode::not_coordinator);
  EXPECT_EQ(groups.commit({})->error(), ErrorCode::not_coordinator);
  EXPECT_FALSE(groups.coordinator->next_deadline());
  groups.append_next();  // what was on its way is reported all the same
  EXPECT_EQ(committing->answers, 1);
}

TEST(GroupLoad, ReadsTenThousandGroupsWithinHalfASecondIntoAHundredMebibytes) {
  std::vector<Bytes> batches;
  std::int64_t offset = 0;
  for (int number = 0; number < 10'000; ++number) {
    const std::string id = "group-" + std::to_string(number);
    protocol::RecordBatchBuilder::Options options;
    options.base_offset = Offset(offset);
    protocol::RecordBatchBuilder builder(options);
    for (int partition = 0; partition < 10; ++partition) {
      builder.append(TimestampMs(1),
                     *encode_key(OffsetCommitKey{id, "a-topic-of-some-length", PartitionIndex(partition)}),
                     *encode_value(OffsetCommitValue{.offset = Offset(partition)}));
    }
    offset += 10;
    batches.push_back(*builder.build());
  }
  const std::size_t used_before_bytes = mallinfo2().uordblks;
  const std::clock_t start = std::clock();
  GroupLoad load;
  for (const auto& bytes : batches) {
    const auto batch = protocol::parse_batch(bytes);
    ASSERT_TRUE(load.read(batch->header, batch->records()));
  }
  GroupHarness groups;
  groups.coordinator = std::make_unique<GroupCoordinator>(groups.config, groups.random);
  groups.coordinator->load(std::move(load).finish(), groups.time);
  const double cpu_seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  EXPECT_EQ(groups.fetch("a-topic-of-some-length", 9, "group-9999").offset, 9);
  EXPECT_LT(cpu_seconds, 0.5);
  EXPECT_LT(mallinfo2().uordblks - used_before_bytes, std::size_t{100} << 20);
  RecordProperty("cpu_ms", static_cast<int>(cpu_seconds * 1000));
  RecordProperty("used_kib", static_cast<int>((mallinfo2().uordblks - used_before_bytes) >> 10));
}

}  // namespace
}  // namespace millrace::coordinator
