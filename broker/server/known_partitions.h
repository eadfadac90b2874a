// OffsetCommit, OffsetDelete and TxnOffsetCommit name partitions: those that do not exist are answered here, the others by the
// coordinator (kafka.server.KafkaApis, OffsetCommitResponse.Builder).
#pragma once

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "broker/metadata/cluster_image.h"
#include "broker/protocol/error_code.h"

namespace millrace::server {

template <class Request>
struct SplitRequest {
  std::optional<Request> known;          // the request with what exists; none: all of it does
  typename Request::Response refused{};  // the answer for what does not

  [[nodiscard]] const Request& known_of(const Request& request) const { return known ? *known : request; }
};

template <class Request>
bool has_unknown_partitions(const Request& request, const metadata::ClusterImage& image) {
  return std::ranges::any_of(request.topics, [&](const auto& topic) {
    const auto known = image.topic(topic.name);
    return known == nullptr || std::ranges::any_of(topic.partitions, [&](const auto& partition) {
             return known->partition(partition.partition_index) == nullptr;
           });
  });
}

// The answer's topic of that name, the first one, made where there is none yet. `known`: where they are, by name.
template <class Topics>
auto& topic_of(Topics& topics, std::map<std::string_view, std::size_t>& known, std::string_view name) {
  const auto [at, is_new] = known.try_emplace(name, topics.size());
  if (is_new) topics.emplace_back().name = name;
  return topics[at->second];
}

template <class Request>
SplitRequest<Request> split_known_partitions(const Request& request, const metadata::ClusterImage& image) {
  SplitRequest<Request> split;
  if (!has_unknown_partitions(request, image)) return split;
  split.known = request;
  split.known->topics.clear();
  std::map<std::string_view, std::size_t> places;
  for (const auto& topic : request.topics) {
    const auto image_topic = image.topic(topic.name);
    if (image_topic == nullptr) topic_of(split.refused.topics, places, topic.name);
    auto known = topic;
    known.partitions.clear();
    for (const auto& partition : topic.partitions) {
      if (image_topic != nullptr && image_topic->partition(partition.partition_index) != nullptr) {
        known.partitions.push_back(partition);
        continue;
      }
      auto& refused = topic_of(split.refused.topics, places, topic.name).partitions.emplace_back();
      refused.partition_index = partition.partition_index;
      refused.error_code = protocol::ErrorCode::unknown_topic_or_partition;
    }
    if (!known.partitions.empty()) split.known->topics.push_back(std::move(known));
  }
  return split;
}

// What the coordinator answered behind what was refused, each topic once.
template <class Response>
Response merge_answers(Response refused, Response answered) {
  if (refused.topics.empty()) return answered;
  std::map<std::string_view, std::size_t> places;
  for (std::size_t index = 0; index < refused.topics.size(); ++index)
    places.try_emplace(refused.topics[index].name, index);
  for (auto& topic : answered.topics) {
    auto& partitions = topic_of(refused.topics, places, topic.name).partitions;
    std::ranges::move(topic.partitions, std::back_inserter(partitions));
  }
  return refused;
}

}  // namespace millrace::server
