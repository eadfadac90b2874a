#include "broker/coordinator/transaction_records.h"

#include <algorithm>
#include <string>
#include <utility>

#include "broker/protocol/stored_record_codec.h"

MILLRACE_DEFINE_STORED_RECORD(millrace::coordinator::TransactionLogKey)
MILLRACE_DEFINE_STORED_RECORD(millrace::coordinator::TransactionLogValue)

namespace millrace::coordinator {
namespace {

// Kafka 3.9 in ZooKeeper mode refuses to read another one.
constexpr protocol::Version written_version = 0;

// Partitions are sorted, so those of one topic stand together.
protocol::Array<TransactionLogValue::Topic> by_topic(const std::vector<TopicPartition>& partitions) {
  protocol::Array<TransactionLogValue::Topic> topics;
  for (const auto& [topic, partition] : partitions) {
    if (topics.empty() || topics.back().topic != topic) topics.push_back({topic, {}});
    topics.back().partition_ids.push_back(partition);
  }
  return topics;
}

std::vector<TopicPartition> partitions_of(const protocol::Array<TransactionLogValue::Topic>& topics) {
  std::vector<TopicPartition> partitions;
  for (const auto& topic : topics) {
    for (const PartitionIndex partition : topic.partition_ids)
      partitions.push_back({std::string(topic.topic), partition});
  }
  std::ranges::sort(partitions);
  partitions.erase(std::ranges::unique(partitions).begin(), partitions.end());
  return partitions;
}

}  // namespace

Result<TransactionRecord> transaction_tombstone(std::string_view transactional_id) {
  auto key = protocol::encode_stored_record(TransactionLogKey{transactional_id}, 0);
  if (!key) return tl::unexpected(std::move(key.error()));
  return TransactionRecord{std::move(*key)};
}

Result<TransactionRecord> transaction_record(std::string_view transactional_id, const TransactionMetadata& metadata) {
  auto record = transaction_tombstone(transactional_id);
  if (!record) return record;
  TransactionLogValue value;
  value.producer_id = metadata.producer_id;
  value.producer_epoch = metadata.producer_epoch;
  value.transaction_timeout_ms = metadata.timeout_ms;
  value.transaction_status = static_cast<std::int8_t>(metadata.state);
  value.transaction_last_update_timestamp_ms = metadata.last_update;
  value.transaction_start_timestamp_ms = metadata.start;
  if (metadata.state == TransactionState::empty) {
    value.transaction_partitions.reset();
  } else {
    value.transaction_partitions = by_topic(metadata.partitions);
  }
  auto bytes = protocol::encode_stored_record(value, written_version);
  if (!bytes) return tl::unexpected(std::move(bytes.error()));
  record->value = std::move(*bytes);
  return record;
}

Result<std::optional<std::string_view>> transactional_id_of(BytesView key) {
  auto version = protocol::stored_record_version(key);
  if (!version) return tl::unexpected(std::move(version.error()));
  if (!TransactionLogKey::versions.contains(*version)) return std::optional<std::string_view>{};
  auto decoded = protocol::decode_stored_record<TransactionLogKey>(key);
  if (!decoded) return tl::unexpected(std::move(decoded.error()));
  return std::optional(decoded->transactional_id);
}

Result<TransactionMetadata> transaction_metadata_of(BytesView value) {
  auto decoded = protocol::decode_stored_record<TransactionLogValue>(value);
  if (!decoded) return tl::unexpected(std::move(decoded.error()));
  const auto state = stored_transaction_state(decoded->transaction_status);
  if (!state) {
    return fail(ErrorKind::corrupt, "TransactionLogValue: " + std::to_string(decoded->transaction_status) +
                                        " is no state of a stored transaction");
  }
  if (decoded->producer_id < ProducerId(0) || decoded->producer_epoch < ProducerEpoch(0)) {
    return fail(ErrorKind::corrupt, "TransactionLogValue: a producer id or epoch below zero");
  }
  if (!decoded->transaction_partitions && *state != TransactionState::empty) {
    return fail(ErrorKind::corrupt, "TransactionLogValue: no partitions in a state that has some");
  }
  TransactionMetadata metadata;
  metadata.producer_id = decoded->producer_id;
  metadata.last_producer_id = decoded->previous_producer_id;
  metadata.producer_epoch = decoded->producer_epoch;
  metadata.timeout_ms = decoded->transaction_timeout_ms;
  metadata.state = *state;
  metadata.start = decoded->transaction_start_timestamp_ms;
  metadata.last_update = decoded->transaction_last_update_timestamp_ms;
  if (*state != TransactionState::empty) metadata.partitions = partitions_of(*decoded->transaction_partitions);
  return metadata;
}

}  // namespace millrace::coordinator
