// DescribeTransactions (key 65): what a coordinator knows of transactional ids (KIP-664).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct DescribeTransactionsResponse;

struct DescribeTransactionsRequest {
  static constexpr ApiKey api_key = ApiKey::describe_transactions;
  static constexpr Versions versions{0, 0};
  static constexpr Version flexible_since = 0;
  using Response = DescribeTransactionsResponse;

  Array<String> transactional_ids{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("transactional_ids", self.transactional_ids);
  }
};

struct DescribeTransactionsResponse {
  using Request = DescribeTransactionsRequest;

  struct TransactionState {
    struct Topic {
      String topic{};
      Array<PartitionIndex> partitions{};

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("topic", self.topic);
        field("partitions", self.partitions);
      }
    };

    ErrorCode error_code{};
    String transactional_id{};
    String transaction_state{};
    std::int32_t transaction_timeout_ms = 0;
    TimestampMs transaction_start_time_ms{};
    ProducerId producer_id{};
    ProducerEpoch producer_epoch{};
    Array<Topic> topics{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("error_code", self.error_code);
      field("transactional_id", self.transactional_id);
      field("transaction_state", self.transaction_state);
      field("transaction_timeout_ms", self.transaction_timeout_ms);
      field("transaction_start_time_ms", self.transaction_start_time_ms);
      field("producer_id", self.producer_id);
      field("producer_epoch", self.producer_epoch);
      field("topics", self.topics);
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<TransactionState> transaction_states{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("transaction_states", self.transaction_states);
  }
};

}  // namespace millrace::protocol
