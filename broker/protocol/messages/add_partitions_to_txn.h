// AddPartitionsToTxn (key 24): partitions join a transaction (KIP-98). Up to v3 by clients, one transaction each;
// from v4 by brokers, many at once and to verify only (KIP-890).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct AddPartitionsToTxnResponse;

struct AddPartitionsToTxnRequest {
  static constexpr ApiKey api_key = ApiKey::add_partitions_to_txn;
  static constexpr Versions versions{0, 5};
  static constexpr Version flexible_since = 3;
  using Response = AddPartitionsToTxnResponse;

  struct Topic {
    String name{};
    Array<PartitionIndex> partitions{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name);
      field("partitions", self.partitions);
    }
  };

  struct Transaction {
    String transactional_id{};
    ProducerId producer_id{};
    ProducerEpoch producer_epoch{};
    bool verify_only = false;
    Array<Topic> topics{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("transactional_id", self.transactional_id);
      field("producer_id", self.producer_id);
      field("producer_epoch", self.producer_epoch);
      field("verify_only", self.verify_only);
      field("topics", self.topics);
    }
  };

  Array<Transaction> transactions{};
  String v3_and_below_transactional_id{};
  ProducerId v3_and_below_producer_id{};
  ProducerEpoch v3_and_below_producer_epoch{};
  Array<Topic> v3_and_below_topics{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("transactions", self.transactions, since(4));
    field("v3_and_below_transactional_id", self.v3_and_below_transactional_id, between(0, 3));
    field("v3_and_below_producer_id", self.v3_and_below_producer_id, between(0, 3));
    field("v3_and_below_producer_epoch", self.v3_and_below_producer_epoch, between(0, 3));
    field("v3_and_below_topics", self.v3_and_below_topics, between(0, 3));
  }
};

struct AddPartitionsToTxnResponse {
  using Request = AddPartitionsToTxnRequest;

  struct PartitionResult {
    PartitionIndex partition_index{};
    ErrorCode partition_error_code{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("partition_index", self.partition_index);
      field("partition_error_code", self.partition_error_code);
    }
  };

  struct TopicResult {
    String name{};
    Array<PartitionResult> results_by_partition{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name);
      field("results_by_partition", self.results_by_partition);
    }
  };

  struct TransactionResult {
    String transactional_id{};
    Array<TopicResult> topic_results{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("transactional_id", self.transactional_id);
      field("topic_results", self.topic_results);
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code{};
  Array<TransactionResult> results_by_transaction{};
  Array<TopicResult> results_by_topic_v3_and_below{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("error_code", self.error_code, since(4), ignorable);
    field("results_by_transaction", self.results_by_transaction, since(4));
    field("results_by_topic_v3_and_below", self.results_by_topic_v3_and_below, between(0, 3));
  }
};

}  // namespace millrace::protocol
