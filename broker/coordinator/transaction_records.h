// The records of `__transaction_state`, as Kafka writes them: TransactionLogKey v0, TransactionLogValue v0; v1 (Kafka 4
// with transaction.version 1 and 2) is read too. A record without a value is a tombstone: the transactional id has
// expired.
//
// Pure functions; any thread. Source: transaction-coordinator/src/main/resources/common/message,
// kafka.coordinator.transaction.TransactionLog; KIP-98, KIP-890 (v1), KIP-915 (tagged fields).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/coordinator/transaction_metadata.h"
#include "broker/protocol/fields.h"

namespace millrace::coordinator {

struct TransactionLogKey {
  static constexpr std::string_view name = "TransactionLogKey";
  static constexpr protocol::Versions versions{0, 0};
  static constexpr protocol::Version flexible_since = protocol::highest_version;

  protocol::String transactional_id{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("transactional_id", self.transactional_id);
  }
};

struct TransactionLogValue {
  static constexpr std::string_view name = "TransactionLogValue";
  static constexpr protocol::Versions versions{0, 1};
  static constexpr protocol::Version flexible_since = 1;

  struct Topic {
    protocol::String topic{};
    protocol::Array<PartitionIndex> partition_ids{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic", self.topic);
      field("partition_ids", self.partition_ids);
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  ProducerId producer_id{};
  ProducerEpoch producer_epoch{};
  std::int32_t transaction_timeout_ms = 0;
  std::int8_t transaction_status = 0;
  protocol::NullableArray<Topic> transaction_partitions = protocol::Array<Topic>{};
  TimestampMs transaction_last_update_timestamp_ms{};
  TimestampMs transaction_start_timestamp_ms{};
  ProducerId previous_producer_id = ProducerId::none();
  ProducerId next_producer_id = ProducerId::none();
  std::int16_t client_transaction_version = 0;
  ProducerEpoch next_producer_epoch = ProducerEpoch::none();

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    using protocol::ignorable, protocol::nullable, protocol::since, protocol::tag;
    field("producer_id", self.producer_id);
    field("producer_epoch", self.producer_epoch);
    field("transaction_timeout_ms", self.transaction_timeout_ms);
    field("transaction_status", self.transaction_status);
    field("transaction_partitions", self.transaction_partitions, nullable());
    field("transaction_last_update_timestamp_ms", self.transaction_last_update_timestamp_ms);
    field("transaction_start_timestamp_ms", self.transaction_start_timestamp_ms);
    field("previous_producer_id", self.previous_producer_id, since(1), tag(0), ignorable);
    field("next_producer_id", self.next_producer_id, since(1), tag(1), ignorable);
    field("client_transaction_version", self.client_transaction_version, since(1), tag(2), ignorable);
    field("next_producer_epoch", self.next_producer_epoch, since(1), tag(3), ignorable);
  }
};

// One record of the topic: no value is a tombstone.
struct TransactionRecord {
  std::vector<std::uint8_t> key;
  std::optional<std::vector<std::uint8_t>> value{};
};

// Errors: invalid_argument for an id or a topic's name that no record can hold.
[[nodiscard]] Result<TransactionRecord> transaction_record(std::string_view transactional_id,
                                                           const TransactionMetadata& metadata);
[[nodiscard]] Result<TransactionRecord> transaction_tombstone(std::string_view transactional_id);

// The transactional id, which views `key`; nothing for a kind of key that this version does not know: Kafka passes over
// them. Errors: truncated, corrupt.
[[nodiscard]] Result<std::optional<std::string_view>> transactional_id_of(BytesView key);
// Errors: unsupported version, truncated, corrupt: what no coordinator writes (a state that is never stored, ids below
// zero).
[[nodiscard]] Result<TransactionMetadata> transaction_metadata_of(BytesView value);

}  // namespace millrace::coordinator
