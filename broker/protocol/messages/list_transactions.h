// ListTransactions (key 66): the transactional ids of a coordinator (KIP-664). Those open for long (v1, KIP-994).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct ListTransactionsResponse;

struct ListTransactionsRequest {
  static constexpr ApiKey api_key = ApiKey::list_transactions;
  static constexpr Versions versions{0, 1};
  static constexpr Version flexible_since = 0;
  using Response = ListTransactionsResponse;

  Array<String> state_filters{};
  Array<ProducerId> producer_id_filters{};
  std::int64_t duration_filter = -1;  // milliseconds; negative: any

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("state_filters", self.state_filters);
    field("producer_id_filters", self.producer_id_filters);
    field("duration_filter", self.duration_filter, since(1));
  }
};

struct ListTransactionsResponse {
  using Request = ListTransactionsRequest;

  struct TransactionState {
    String transactional_id{};
    ProducerId producer_id{};
    String transaction_state{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("transactional_id", self.transactional_id);
      field("producer_id", self.producer_id);
      field("transaction_state", self.transaction_state);
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code{};
  Array<String> unknown_state_filters{};
  Array<TransactionState> transaction_states{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("error_code", self.error_code);
    field("unknown_state_filters", self.unknown_state_filters);
    field("transaction_states", self.transaction_states);
  }
};

}  // namespace millrace::protocol
