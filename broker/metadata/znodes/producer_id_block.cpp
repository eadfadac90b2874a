#include "broker/metadata/znodes/producer_id_block.h"

#include <utility>

#include "broker/metadata/znodes/json_object.h"

namespace millrace::metadata::znodes {

std::string encode(const ProducerIdBlock& block) {
  return R"({"version":1,"broker":)" + std::to_string(block.broker.value()) + R"(,"block_start":")" +
         std::to_string(block.first.value()) + R"(","block_end":")" + std::to_string(block.last.value()) + R"("})";
}

Result<ProducerIdBlock> decode_producer_id_block(std::string_view payload) {
  auto json = JsonObject::parse(payload, "the producer id block");
  if (!json) return tl::unexpected(std::move(json.error()));
  auto version = json->integer("version", 1, 1);
  if (!version) return tl::unexpected(std::move(version.error()));
  auto broker = json->int32("broker");
  if (!broker) return tl::unexpected(std::move(broker.error()));
  auto first = json->integer_text("block_start");
  if (!first) return tl::unexpected(std::move(first.error()));
  auto last = json->integer_text("block_end");
  if (!last) return tl::unexpected(std::move(last.error()));
  if (*first < 0 || *last < *first) return json->corrupt("its ids do not ascend from 0");
  return ProducerIdBlock{BrokerId(*broker), ProducerId(*first), ProducerId(*last)};
}

}  // namespace millrace::metadata::znodes
