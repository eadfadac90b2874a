#include "broker/coordinator/consumer_offsets_records.h"

#include <optional>
#include <utility>

#include "broker/protocol/stored_record_codec.h"

namespace millrace::coordinator {

// Of described structs, for the codec's elements that are this layer's: it looks for it where those are.
using protocol::operator==;  // NOLINT(misc-unused-using-decls)

namespace {

constexpr protocol::Version offset_key_version = 1;
constexpr protocol::Version group_key_version = 2;
constexpr protocol::Version offset_value_version = 3;
constexpr protocol::Version expiring_offset_value_version = 1;  // the only one that has room for the expiry
constexpr protocol::Version group_value_version = 3;

template <class Key>
Result<ConsumerOffsetsKey> decode_key(BytesView bytes) {
  auto key = protocol::decode_stored_record<Key>(bytes);
  if (!key) return tl::unexpected(key.error());
  return ConsumerOffsetsKey(*key);
}

template <class Key>
void decode_if(protocol::Version type, BytesView bytes, std::optional<Result<ConsumerOffsetsKey>>& into) {
  if (Key::versions.contains(type)) into = decode_key<Key>(bytes);
}

// As the one of `Keys` that has the type, if one has.
template <class... Keys>
std::optional<Result<ConsumerOffsetsKey>> decode_one_of(protocol::Version type, BytesView bytes) {
  std::optional<Result<ConsumerOffsetsKey>> key;
  (decode_if<Keys>(type, bytes, key), ...);
  return key;
}

}  // namespace

Result<ConsumerOffsetsKey> decode_consumer_offsets_key(BytesView bytes) {
  auto type = protocol::stored_record_version(bytes);
  if (!type) return tl::unexpected(type.error());
  auto key = decode_one_of<OffsetCommitKey, GroupMetadataKey, ConsumerGroupMetadataKey,
                           ConsumerGroupPartitionMetadataKey, ConsumerGroupMemberMetadataKey,
                           ConsumerGroupTargetAssignmentMetadataKey, ConsumerGroupTargetAssignmentMemberKey,
                           ConsumerGroupCurrentMemberAssignmentKey, ConsumerGroupRegularExpressionKey>(*type, bytes);
  return key ? std::move(*key) : ConsumerOffsetsKey(UnknownOffsetsKey{*type});
}

Result<OffsetCommitValue> decode_offset_value(BytesView bytes) {
  return protocol::decode_stored_record<OffsetCommitValue>(bytes);
}

Result<GroupMetadataValue> decode_group_value(BytesView bytes) {
  auto value = protocol::decode_stored_record<GroupMetadataValue>(bytes);
  if (value && *protocol::stored_record_version(bytes) == 0) {
    for (auto& member : value->members) member.rebalance_timeout_ms = member.session_timeout_ms;
  }
  return value;
}

Result<std::vector<std::uint8_t>> encode_key(const OffsetCommitKey& key) {
  return protocol::encode_stored_record(key, offset_key_version);
}

Result<std::vector<std::uint8_t>> encode_key(const GroupMetadataKey& key) {
  return protocol::encode_stored_record(key, group_key_version);
}

Result<std::vector<std::uint8_t>> encode_value(const OffsetCommitValue& value) {
  const bool expires = value.expire_timestamp != TimestampMs::none();
  return protocol::encode_stored_record(value, expires ? expiring_offset_value_version : offset_value_version);
}

Result<std::vector<std::uint8_t>> encode_value(const GroupMetadataValue& value) {
  return protocol::encode_stored_record(value, group_value_version);
}

}  // namespace millrace::coordinator

MILLRACE_DEFINE_STORED_RECORD(millrace::coordinator::OffsetCommitKey)
MILLRACE_DEFINE_STORED_RECORD(millrace::coordinator::OffsetCommitValue)
MILLRACE_DEFINE_STORED_RECORD(millrace::coordinator::GroupMetadataKey)
MILLRACE_DEFINE_STORED_RECORD(millrace::coordinator::GroupMetadataValue)
