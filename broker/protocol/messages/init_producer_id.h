// InitProducerId (key 22): a producer id and epoch, for idempotent and transactional producers. KIP-98; KIP-360 re-initialisation (v3),
// KIP-588 fencing (v4), KIP-890 (v5).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct InitProducerIdResponse;

struct InitProducerIdRequest {
  static constexpr ApiKey api_key = ApiKey::init_producer_id;
  static constexpr Versions versions{0, 5};
  static constexpr Version flexible_since = 2;
  using Response = InitProducerIdResponse;

  NullableString transactional_id = "";
  std::int32_t transaction_timeout_ms = 0;
  ProducerId producer_id = ProducerId::none();
  ProducerEpoch producer_epoch = ProducerEpoch::none();

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("transactional_id", self.transactional_id, nullable());
    field("transaction_timeout_ms", self.transaction_timeout_ms);
    field("producer_id", self.producer_id, since(3));
    field("producer_epoch", self.producer_epoch, since(3));
  }
};

struct InitProducerIdResponse {
  using Request = InitProducerIdRequest;

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code{};
  ProducerId producer_id = ProducerId::none();
  ProducerEpoch producer_epoch{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms, ignorable);
    field("error_code", self.error_code);
    field("producer_id", self.producer_id);
    field("producer_epoch", self.producer_epoch);
  }
};

}  // namespace millrace::protocol
