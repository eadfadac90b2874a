// /latest_producer_id_block: the block of producer ids that was handed out last; empty before the first. Version 1.
// Source: kafka.zk.ProducerIdBlockZNode, org.apache.kafka.server.common.ProducerIdsBlock.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/base/result.h"
#include "broker/base/types.h"

namespace millrace::metadata::znodes {

struct ProducerIdBlock {
  static constexpr std::int64_t size = 1000;

  BrokerId broker;  // whose it is
  ProducerId first;
  ProducerId last;  // inclusive

  friend bool operator==(const ProducerIdBlock&, const ProducerIdBlock&) = default;
};

std::string encode(const ProducerIdBlock& block);
Result<ProducerIdBlock> decode_producer_id_block(std::string_view payload);

}  // namespace millrace::metadata::znodes
