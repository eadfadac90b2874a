// Keys and values that Kafka's own classes made, at every version, and the log that a real broker of 3.9.2 wrote.
#include "broker/coordinator/consumer_offsets_records.h"

#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "broker/protocol/equality.h"
#include "broker/protocol/record.h"
#include "broker/protocol/stored_record.h"
#include "test/broker/protocol/golden_file.h"

namespace millrace::coordinator {
namespace {

using protocol::test::from_hex;
using protocol::test::golden_lines;
using Bytes = std::vector<std::uint8_t>;

Bytes golden(const std::string& type, protocol::Version version) {
  for (const auto& line : golden_lines("consumer_offsets_records.txt")) {
    std::istringstream words(line);
    std::string name;
    protocol::Version number = -1;
    std::string hex;
    words >> name >> number >> hex;
    if (name == type && number == version) return from_hex(hex);
  }
  ADD_FAILURE() << "no golden " << type << " " << version;
  return {};
}

Bytes copy(BytesView bytes) { return {bytes.begin(), bytes.end()}; }

TEST(ConsumerOffsetsRecords, ReadTheKeysOfOffsetsInBothVersionsAndWriteTheNewer) {
  for (protocol::Version version : {0, 1}) {
    const Bytes bytes = golden("OffsetCommitKey", version);
    auto key = decode_consumer_offsets_key(bytes);
    ASSERT_TRUE(key) << key.error().message;
    const auto& offset = std::get<OffsetCommitKey>(*key);
    EXPECT_EQ(offset.group, "gr\xc3\xbcppe");
    EXPECT_EQ(offset.topic, "topic");
    EXPECT_EQ(offset.partition, PartitionIndex(7));
    EXPECT_EQ(*encode_key(offset), golden("OffsetCommitKey", 1));
  }
}

TEST(ConsumerOffsetsRecords, ReadAndWriteTheKeysOfGroups) {
  const Bytes bytes = golden("GroupMetadataKey", 2);
  auto key = decode_consumer_offsets_key(bytes);
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(std::get<GroupMetadataKey>(*key).group, "gr\xc3\xbcppe");
  EXPECT_EQ(*encode_key(std::get<GroupMetadataKey>(*key)), bytes);
}

TEST(ConsumerOffsetsRecords, TellTheKeysOfNewerBrokersApartFromBrokenOnes) {
  for (protocol::Version type : {9, 15, 17, -1}) {
    Bytes bytes = golden("GroupMetadataKey", 2);
    store_big_endian(bytes.data(), type);
    auto key = decode_consumer_offsets_key(bytes);
    ASSERT_TRUE(key);
    EXPECT_EQ(std::get<UnknownOffsetsKey>(*key).type, type);
  }
  const Bytes whole = golden("OffsetCommitKey", 1);
  for (std::size_t size_bytes = 0; size_bytes < whole.size(); ++size_bytes) {
    EXPECT_FALSE(decode_consumer_offsets_key(BytesView(whole).first(size_bytes))) << size_bytes;
  }
}

TEST(ConsumerOffsetsRecords, ReadTheValuesOfOffsetsInAllVersions) {
  for (protocol::Version version = 0; version <= 4; ++version) {
    const Bytes bytes = golden("OffsetCommitValue", version);
    auto value = decode_offset_value(bytes);
    ASSERT_TRUE(value) << value.error().message;
    EXPECT_EQ(value->offset, Offset(1234567890123));
    EXPECT_EQ(value->leader_epoch, version >= 3 ? LeaderEpoch(5) : LeaderEpoch::none());
    EXPECT_EQ(value->metadata, "some metadata");
    EXPECT_EQ(value->commit_timestamp, TimestampMs(1700000000123));
    EXPECT_EQ(value->expire_timestamp, version == 1 ? TimestampMs(1700000600123) : TimestampMs::none());
    EXPECT_EQ(*protocol::encode_stored_record(*value, version), bytes);
    for (std::size_t size_bytes = 0; size_bytes < bytes.size(); ++size_bytes)
      EXPECT_FALSE(decode_offset_value(BytesView(bytes).first(size_bytes))) << version << " cut at " << size_bytes;
  }
}

TEST(ConsumerOffsetsRecords, WriteOffsetsInVersionThreeAndThoseWithAnExpiryInVersionOne) {
  const Bytes with_epoch = golden("OffsetCommitValue", 3);
  EXPECT_EQ(*encode_value(*decode_offset_value(with_epoch)), with_epoch);
  const Bytes with_expiry = golden("OffsetCommitValue", 1);
  auto value = *decode_offset_value(with_expiry);
  value.leader_epoch = LeaderEpoch(5);  // which version 1 has no room for
  EXPECT_EQ(*encode_value(value), with_expiry);
}

TEST(ConsumerOffsetsRecords, ReadTheValuesOfGroupsInAllVersions) {
  for (protocol::Version version = 0; version <= 4; ++version) {
    const Bytes bytes = golden("GroupMetadataValue", version);
    auto value = decode_group_value(bytes);
    ASSERT_TRUE(value) << value.error().message;
    EXPECT_EQ(value->protocol_type, "consumer");
    EXPECT_EQ(value->generation, 42);
    EXPECT_EQ(value->protocol_name, "range");
    EXPECT_EQ(value->leader, "client-1");
    EXPECT_EQ(value->current_state_timestamp, version >= 2 ? TimestampMs(1700000000456) : TimestampMs::none());
    ASSERT_EQ(value->members.size(), 2);
    const auto& member = value->members.front();
    EXPECT_EQ(member.member_id, "client-1");
    EXPECT_EQ(member.group_instance_id, version >= 3 ? protocol::NullableString("instance-1") : std::nullopt);
    EXPECT_EQ(member.client_id, "client");
    EXPECT_EQ(member.client_host, "/127.0.0.1");
    EXPECT_EQ(member.rebalance_timeout_ms, version >= 1 ? 300000 : 45000);
    EXPECT_EQ(member.session_timeout_ms, 45000);
    EXPECT_EQ(copy(member.subscription), (Bytes{0, 1, 2}));
    EXPECT_EQ(copy(member.assignment), (Bytes{9, 8}));
    EXPECT_EQ(value->members.back().group_instance_id, std::nullopt);
    EXPECT_EQ(*protocol::encode_stored_record(*value, version), bytes);
    for (std::size_t size_bytes = 0; size_bytes < bytes.size(); ++size_bytes)
      EXPECT_FALSE(decode_group_value(BytesView(bytes).first(size_bytes))) << version << " cut at " << size_bytes;
  }
}

TEST(ConsumerOffsetsRecords, WriteGroupsInVersionThree) {
  for (const char* type : {"GroupMetadataValue", "EmptyGroupMetadataValue"}) {
    const Bytes bytes = golden(type, 3);
    EXPECT_EQ(*encode_value(*decode_group_value(bytes)), bytes);
    EXPECT_EQ(*encode_value(*decode_group_value(golden(type, 4))), bytes);
  }
}

TEST(ConsumerOffsetsRecords, RefuseValuesOfVersionsThatAreNotKnown) {
  for (protocol::Version version : {-1, 5}) {
    Bytes offset = golden("OffsetCommitValue", 3);
    store_big_endian(offset.data(), version);
    EXPECT_EQ(decode_offset_value(offset).error().kind, ErrorKind::unsupported);
    Bytes group = golden("GroupMetadataValue", 3);
    store_big_endian(group.data(), version);
    EXPECT_EQ(decode_group_value(group).error().kind, ErrorKind::unsupported);
  }
}

TEST(ConsumerOffsetsRecords, RefuseToWriteAStringThatHasNoLength) {
  const std::string long_name(32768, 'x');
  EXPECT_EQ(encode_key(GroupMetadataKey{long_name}).error().kind, ErrorKind::invalid_argument);
  EXPECT_TRUE(encode_key(GroupMetadataKey{std::string_view(long_name).substr(1)}));
}

// Every record of the golden log is read, and written again to the same bytes.
TEST(ConsumerOffsetsRecords, AreThoseOfARealBrokersLogByteForByte) {
  std::map<std::string, int> seen;
  for (const auto& line : golden_lines("consumer_offsets.txt")) {
    const Bytes bytes = from_hex(line);
    const auto batch = protocol::parse_batch(bytes);
    ASSERT_TRUE(batch) << batch.error().message;
    if (batch->header.attributes.is_control()) continue;
    protocol::RecordReader reader(batch->header, batch->records());
    while (reader.next()) {
      const auto& record = reader.record();
      auto key = decode_consumer_offsets_key(*record.key);
      ASSERT_TRUE(key) << key.error().message;
      if (const auto* offset = std::get_if<OffsetCommitKey>(&*key)) {
        EXPECT_EQ(*encode_key(*offset), copy(*record.key));
        if (record.value) EXPECT_EQ(*encode_value(*decode_offset_value(*record.value)), copy(*record.value));
        ++seen[record.value ? "offset" : "offset tombstone"];
      } else {
        EXPECT_EQ(*encode_key(std::get<GroupMetadataKey>(*key)), copy(*record.key));
        EXPECT_EQ(*encode_value(*decode_group_value(*record.value)), copy(*record.value));
        ++seen["group"];
      }
    }
    EXPECT_TRUE(reader.status()) << reader.status().error().message;
  }
  EXPECT_EQ(seen, (std::map<std::string, int>{{"group", 6}, {"offset", 10}, {"offset tombstone", 3}}));
}

}  // namespace
}  // namespace millrace::coordinator
