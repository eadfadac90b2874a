// The messages of a client that produces to, or reads from, many partitions of a topic at once: for the counts of allocations and
// for the measurement of the codec.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/protocol/messages/fetch.h"
#include "broker/protocol/messages/produce.h"
#include "broker/protocol/record_batch_builder.h"

namespace millrace::protocol {

inline constexpr Version newest_produce = ProduceRequest::versions.highest;
inline constexpr Version newest_fetch_by_name = 12;

// One batch of one record of 100 bytes.
inline std::vector<std::uint8_t> small_batch() {
  RecordBatchBuilder builder({});
  const std::vector<std::uint8_t> value(100, 'v');
  builder.append(TimestampMs(1'700'000'000'000), std::nullopt, BytesView(value));
  return builder.build().value();
}

// `batch` outlives it.
inline ProduceRequest produce_to(std::int32_t partitions, const std::vector<std::uint8_t>& batch) {
  ProduceRequest request;
  request.acks = -1;
  request.timeout_ms = 30'000;
  auto& topic = request.topic_data.emplace_back();
  topic.name = "measurements";
  topic.partition_data.resize(static_cast<std::size_t>(partitions));
  for (std::int32_t index = 0; index < partitions; ++index) {
    topic.partition_data[static_cast<std::size_t>(index)] = {PartitionIndex(index), BytesView(batch)};
  }
  return request;
}

// As the handler makes it.
inline ProduceResponse produced(const ProduceRequest& request) {
  ProduceResponse response;
  response.responses.reserve(request.topic_data.size());
  for (const auto& topic : request.topic_data) {
    auto& answered = response.responses.emplace_back();
    answered.name = topic.name;
    answered.partition_responses.resize(topic.partition_data.size());
    for (std::size_t index = 0; index < topic.partition_data.size(); ++index) {
      answered.partition_responses[index].index = topic.partition_data[index].index;
      answered.partition_responses[index].base_offset = Offset(static_cast<std::int64_t>(index));
    }
  }
  return response;
}

inline FetchRequest fetch_from(std::int32_t partitions) {
  FetchRequest request;
  request.max_wait_ms = 500;
  auto& topic = request.topics.emplace_back();
  topic.topic = "measurements";
  topic.partitions.resize(static_cast<std::size_t>(partitions));
  for (std::int32_t index = 0; index < partitions; ++index) {
    auto& wanted = topic.partitions[static_cast<std::size_t>(index)];
    wanted.partition = PartitionIndex(index);
    wanted.partition_max_bytes = 1'048'576;
  }
  return request;
}

// Each partition's records are spliced into the answer, as ranges of segments are.
inline FetchResponse fetched(const FetchRequest& request,
                             const std::shared_ptr<const std::vector<std::uint8_t>>& batch) {
  FetchResponse response;
  response.responses.reserve(request.topics.size());
  for (const auto& topic : request.topics) {
    auto& answered = response.responses.emplace_back();
    answered.topic = topic.topic;
    answered.partitions.resize(topic.partitions.size());
    for (std::size_t index = 0; index < topic.partitions.size(); ++index) {
      answered.partitions[index].partition_index = topic.partitions[index].partition;
      answered.partitions[index].records = Records(Records::Borrowed{*batch, batch});
    }
  }
  return response;
}

}  // namespace millrace::protocol
