#include "broker/coordinator/consumer_group_records.h"

#include "broker/protocol/stored_record_codec.h"

namespace millrace::coordinator {

// Of described structs, for the codec's elements that are this layer's: it looks for it where those are.
using protocol::operator==;  // NOLINT(misc-unused-using-decls)

template <class Value>
Result<Value> decode_consumer_group_value(BytesView bytes) {
  return protocol::decode_stored_record<Value>(bytes);
}

template <class Record>
Result<std::vector<std::uint8_t>> encode_consumer_group_record(const Record& record) {
  return protocol::encode_stored_record(record, Record::versions.lowest);  // each has one version
}

}  // namespace millrace::coordinator

#define MILLRACE_DEFINE_CONSUMER_GROUP_RECORD(Key, Value)                                                          \
  MILLRACE_DEFINE_STORED_RECORD(Key)                                                                               \
  MILLRACE_DEFINE_STORED_RECORD(Value)                                                                             \
  template millrace::Result<Value> millrace::coordinator::decode_consumer_group_value<Value>(millrace::BytesView); \
  template millrace::Result<std::vector<std::uint8_t>> millrace::coordinator::encode_consumer_group_record(        \
      const Key&);                                                                                                 \
  template millrace::Result<std::vector<std::uint8_t>> millrace::coordinator::encode_consumer_group_record(        \
      const Value&);

MILLRACE_DEFINE_CONSUMER_GROUP_RECORD(millrace::coordinator::ConsumerGroupMetadataKey,
                                      millrace::coordinator::ConsumerGroupMetadataValue)
MILLRACE_DEFINE_CONSUMER_GROUP_RECORD(millrace::coordinator::ConsumerGroupPartitionMetadataKey,
                                      millrace::coordinator::ConsumerGroupPartitionMetadataValue)
MILLRACE_DEFINE_CONSUMER_GROUP_RECORD(millrace::coordinator::ConsumerGroupMemberMetadataKey,
                                      millrace::coordinator::ConsumerGroupMemberMetadataValue)
MILLRACE_DEFINE_CONSUMER_GROUP_RECORD(millrace::coordinator::ConsumerGroupTargetAssignmentMetadataKey,
                                      millrace::coordinator::ConsumerGroupTargetAssignmentMetadataValue)
MILLRACE_DEFINE_CONSUMER_GROUP_RECORD(millrace::coordinator::ConsumerGroupTargetAssignmentMemberKey,
                                      millrace::coordinator::ConsumerGroupTargetAssignmentMemberValue)
MILLRACE_DEFINE_CONSUMER_GROUP_RECORD(millrace::coordinator::ConsumerGroupCurrentMemberAssignmentKey,
                                      millrace::coordinator::ConsumerGroupCurrentMemberAssignmentValue)
MILLRACE_DEFINE_CONSUMER_GROUP_RECORD(millrace::coordinator::ConsumerGroupRegularExpressionKey,
                                      millrace::coordinator::ConsumerGroupRegularExpressionValue)
