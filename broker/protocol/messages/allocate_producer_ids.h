// AllocateProducerIds (key 67): the controller gives a broker a block of producer ids (KIP-730).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct AllocateProducerIdsResponse;

struct AllocateProducerIdsRequest {
  static constexpr ApiKey api_key = ApiKey::allocate_producer_ids;
  static constexpr Versions versions{0, 0};
  static constexpr Version flexible_since = 0;
  using Response = AllocateProducerIdsResponse;

  BrokerId broker_id{};
  BrokerEpoch broker_epoch = BrokerEpoch::none();

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("broker_id", self.broker_id);
    field("broker_epoch", self.broker_epoch);
  }
};

struct AllocateProducerIdsResponse {
  using Request = AllocateProducerIdsRequest;

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code{};
  ProducerId producer_id_start{};
  std::int32_t producer_id_len = 0;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("error_code", self.error_code);
    field("producer_id_start", self.producer_id_start);
    field("producer_id_len", self.producer_id_len);
  }
};

}  // namespace millrace::protocol
