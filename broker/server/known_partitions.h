// OffsetCommit, OffsetDelete and TxnOffsetCommit name partitions: those that do not exist are answered here, the others by the
// coordinator (kafka.server.KafkaApis, OffsetCommitResponse.Builder).
#pragma once

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "broker/coordinator/topic_answers.h"
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

template <class Request>
SplitRequest<Request> split_known_partitions(const Request& request, const metadata::ClusterImage& image) {
  SplitRequest<Request> split;
  if (!has_unknown_partitions(request, image)) return split;
  split.known = request;
  split.known->topics.clear();
  coordinator::TopicAnswers refusals(split.refused.topics);
  for (const auto& topic : request.topics) {
    const auto image_topic = image.topic(topic.name);
    if (image_topic == nullptr) refusals.at(topic.name);
    auto known = topic;
    known.partitions.clear();
    for (const auto& partition : topic.partitions) {
      if (image_topic != nullptr && image_topic->partition(partition.partition_index) != nullptr) {
        known.partitions.push_back(partition);
        continue;
      }
      auto& refused = refusals.at(topic.name).partitions.emplace_back();
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
  auto refused_topics = std::exchange(refused.topics, {});
  coordinator::TopicAnswers topics(refused.topics);
  for (auto* some : {&refused_topics, &answered.topics}) {
    for (auto& topic : *some) std::ranges::move(topic.partitions, std::back_inserter(topics.at(topic.name).partitions));
  }
  return refused;
}

}  // namespace millrace::server
