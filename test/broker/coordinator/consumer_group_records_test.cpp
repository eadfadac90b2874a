// Keys and values that the classes of Kafka 4.3.1 made, and what they must be byte for byte.
#include "broker/coordinator/consumer_group_records.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "broker/coordinator/consumer_offsets_records.h"
#include "test/broker/protocol/golden_file.h"

namespace millrace::coordinator {
namespace {

using protocol::test::from_hex;
using protocol::test::golden_lines;
using Bytes = std::vector<std::uint8_t>;

constexpr std::string_view group = "gr\xc3\xbcppe";

Bytes golden(const std::string& type) {
  for (const auto& line : golden_lines("consumer_group_records.txt")) {
    std::istringstream words(line);
    std::string name;
    std::string hex;
    words >> name >> hex;
    if (name == type) return from_hex(hex);
  }
  ADD_FAILURE() << "no golden " << type;
  return {};
}

TopicId topic_id() {
  TopicId id;
  for (std::uint8_t byte = 0; byte < 16; ++byte) id.bytes[byte] = byte + 1;
  return id;
}

std::vector<PartitionIndex> partitions(const std::vector<std::int32_t>& numbers) {
  std::vector<PartitionIndex> indexes;
  indexes.reserve(numbers.size());
  for (const auto number : numbers) indexes.emplace_back(number);
  return indexes;
}

// Decodes a golden value, which must give the same bytes again.
template <class Value>
Value read(const std::string& type, const Bytes& bytes) {
  auto value = decode_consumer_group_value<Value>(bytes);
  if (!value) {
    ADD_FAILURE() << type << ": " << value.error().message;
    return {};
  }
  EXPECT_EQ(*encode_consumer_group_record(*value), bytes) << type;
  for (std::size_t size_bytes = 0; size_bytes < bytes.size(); ++size_bytes)
    EXPECT_FALSE(decode_consumer_group_value<Value>(BytesView(bytes).first(size_bytes))) << type << " " << size_bytes;
  return *value;
}

template <class Key>
Key read_key(const Bytes& bytes) {
  auto key = decode_consumer_offsets_key(bytes);
  if (!key || !std::holds_alternative<Key>(*key)) {
    ADD_FAILURE() << Key::name;
    return {};
  }
  EXPECT_EQ(*encode_consumer_group_record(std::get<Key>(*key)), bytes) << Key::name;
  return std::get<Key>(*key);
}

TEST(ConsumerGroupRecords, ReadAndWriteTheKeysOfGroups) {
  Bytes bytes = golden("ConsumerGroupMetadataKey");
  EXPECT_EQ(read_key<ConsumerGroupMetadataKey>(bytes).group, group);
  bytes = golden("ConsumerGroupPartitionMetadataKey");
  EXPECT_EQ(read_key<ConsumerGroupPartitionMetadataKey>(bytes).group, group);
  bytes = golden("ConsumerGroupTargetAssignmentMetadataKey");
  EXPECT_EQ(read_key<ConsumerGroupTargetAssignmentMetadataKey>(bytes).group, group);
  bytes = golden("ConsumerGroupRegularExpressionKey");
  EXPECT_EQ(read_key<ConsumerGroupRegularExpressionKey>(bytes).regular_expression, "a.*");
}

TEST(ConsumerGroupRecords, ReadAndWriteTheKeysOfMembers) {
  Bytes bytes = golden("ConsumerGroupMemberMetadataKey");
  EXPECT_EQ(read_key<ConsumerGroupMemberMetadataKey>(bytes).member_id, "member-1");
  bytes = golden("ConsumerGroupTargetAssignmentMemberKey");
  EXPECT_EQ(read_key<ConsumerGroupTargetAssignmentMemberKey>(bytes).member_id, "member-1");
  bytes = golden("ConsumerGroupCurrentMemberAssignmentKey");
  const auto key = read_key<ConsumerGroupCurrentMemberAssignmentKey>(bytes);
  EXPECT_EQ(key.group, group);
  EXPECT_EQ(key.member_id, "member-1");
}

TEST(ConsumerGroupRecords, ReadAndWriteTheEpochsOfGroups) {
  Bytes bytes = golden("ConsumerGroupMetadataValue");
  EXPECT_EQ(read<ConsumerGroupMetadataValue>("", bytes).epoch, 42);
  bytes = golden("ConsumerGroupMetadataValue/hash");
  EXPECT_EQ(read<ConsumerGroupMetadataValue>("hash", bytes).metadata_hash, 77);
  bytes = golden("ConsumerGroupTargetAssignmentMetadataValue");
  EXPECT_EQ(read<ConsumerGroupTargetAssignmentMetadataValue>("", bytes).assignment_epoch, 42);
}

TEST(ConsumerGroupRecords, ReadAndWriteTheTopicsOfGroups) {
  Bytes bytes = golden("ConsumerGroupPartitionMetadataValue");
  const auto topics = read<ConsumerGroupPartitionMetadataValue>("", bytes);
  ASSERT_EQ(topics.topics.size(), 1U);
  EXPECT_EQ(topics.topics[0].topic_id, topic_id());
  EXPECT_EQ(topics.topics[0].topic_name, "a");
  EXPECT_EQ(topics.topics[0].partition_count, 6);
  const Bytes with_racks = golden("ConsumerGroupPartitionMetadataValue/racks");
  const auto racks = read<ConsumerGroupPartitionMetadataValue>("racks", with_racks);
  EXPECT_EQ(racks.topics.at(0).partition_racks.at(0).racks, (std::vector<std::string_view>{"r1", "r2"}));
  bytes = golden("ConsumerGroupRegularExpressionValue");
  const auto resolved = read<ConsumerGroupRegularExpressionValue>("", bytes);
  EXPECT_EQ(resolved.topics, (std::vector<std::string_view>{"a", "ab"}));
  EXPECT_EQ(resolved.metadata_version, 9);
  EXPECT_EQ(resolved.timestamp, TimestampMs(1700000000456));
}

TEST(ConsumerGroupRecords, ReadAndWriteMembers) {
  const Bytes plain = golden("ConsumerGroupMemberMetadataValue");
  const auto member = read<ConsumerGroupMemberMetadataValue>("", plain);
  EXPECT_FALSE(member.instance_id || member.rack_id || member.subscribed_topic_regex || member.server_assignor);
  EXPECT_EQ(member.client_id, "client");
  EXPECT_EQ(member.client_host, "/127.0.0.1");
  EXPECT_EQ(member.subscribed_topic_names, (std::vector<std::string_view>{"a", "b"}));
  EXPECT_EQ(member.rebalance_timeout_ms, 300'000);
  EXPECT_FALSE(member.classic_member);
  const Bytes full = golden("ConsumerGroupMemberMetadataValue/full");
  const auto static_member = read<ConsumerGroupMemberMetadataValue>("full", full);
  EXPECT_EQ(static_member.instance_id, "instance");
  EXPECT_EQ(static_member.rack_id, "rack");
  EXPECT_EQ(static_member.subscribed_topic_regex, "a.*");
  EXPECT_EQ(static_member.server_assignor, "range");
  const Bytes classic = golden("ConsumerGroupMemberMetadataValue/classic");
  const auto old = read<ConsumerGroupMemberMetadataValue>("classic", classic);
  ASSERT_TRUE(old.classic_member);
  EXPECT_EQ(old.classic_member->session_timeout_ms, 45'000);
  EXPECT_EQ(old.classic_member->supported_protocols.at(0).protocol_name, "range");
}

TEST(ConsumerGroupRecords, ReadAndWriteAssignments) {
  Bytes bytes = golden("ConsumerGroupTargetAssignmentMemberValue");
  const auto target = read<ConsumerGroupTargetAssignmentMemberValue>("", bytes);
  EXPECT_EQ(target.topic_partitions.at(0).topic_id, topic_id());
  EXPECT_EQ(target.topic_partitions.at(0).partitions, partitions({0, 1, 5}));
  bytes = golden("ConsumerGroupCurrentMemberAssignmentValue");
  const auto current = read<ConsumerGroupCurrentMemberAssignmentValue>("", bytes);
  EXPECT_EQ(current.member_epoch, 43);
  EXPECT_EQ(current.previous_member_epoch, 42);
  EXPECT_EQ(current.state, 1);
  EXPECT_EQ(current.assigned_partitions.at(0).partitions, partitions({0, 1}));
  EXPECT_EQ(current.partitions_pending_revocation.at(0).partitions, partitions({5}));
  bytes = golden("ConsumerGroupCurrentMemberAssignmentValue/epochs");
  const auto with_epochs = decode_consumer_group_value<ConsumerGroupCurrentMemberAssignmentValue>(bytes);
  ASSERT_TRUE(with_epochs) << with_epochs.error().message;
  EXPECT_EQ(with_epochs->assigned_partitions.at(0).partitions, partitions({0, 1}));
}

}  // namespace
}  // namespace millrace::coordinator
