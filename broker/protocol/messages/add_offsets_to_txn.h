// AddOffsetsToTxn (key 25): a group's offsets join a transaction (KIP-98). PRODUCER_FENCED (v2, KIP-588),
// TRANSACTION_ABORTABLE (v4, KIP-890).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct AddOffsetsToTxnResponse;

struct AddOffsetsToTxnRequest {
  static constexpr ApiKey api_key = ApiKey::add_offsets_to_txn;
  static constexpr Versions versions{0, 4};
  static constexpr Version flexible_since = 3;
  using Response = AddOffsetsToTxnResponse;

  String transactional_id{};
  ProducerId producer_id{};
  ProducerEpoch producer_epoch{};
  String group_id{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("transactional_id", self.transactional_id);
    field("producer_id", self.producer_id);
    field("producer_epoch", self.producer_epoch);
    field("group_id", self.group_id);
  }
};

struct AddOffsetsToTxnResponse {
  using Request = AddOffsetsToTxnRequest;

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("error_code", self.error_code);
  }
};

}  // namespace millrace::protocol
