#include "broker/server/znode_offset_requests.h"

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/java_string.h"
#include "broker/coordinator/topic_answers.h"
#include "broker/metadata/cluster_image.h"
#include "broker/metadata/znode_offsets.h"
#include "broker/server/configuration/broker_configuration.h"
#include "broker/server/request_context.h"

namespace millrace::server {
namespace {

using metadata::ZnodeOffsets;
using protocol::ErrorCode;

// call(offsets, done) on the metadata shard; what it gives to done() comes back to the handler's.
template <class Outcomes, class Call>
auto call_store(RequestContext& context, Call call) {
  auto start = [&context, call = std::move(call)](UniqueFunction<void(Outcomes)> done) mutable {
    auto& services = context.services();
    services.metadata_shard.post([&services, &home = context.shard(), call = std::move(call),
                                  done = std::move(done)]() mutable {
      call(services.znode_offsets, [&home, done = std::move(done)](Outcomes outcomes) mutable {
        home.post([done = std::move(done), outcomes = std::move(outcomes)]() mutable { done(std::move(outcomes)); });
      });
    });
  };
  return completion<Outcomes>(std::move(start));
}

struct Lookup {
  TopicPartition partition;
  bool exists = false;
  Result<std::optional<Offset>> found = std::optional<Offset>();
};

// Each partition once.
std::vector<Lookup> lookups_of(const protocol::OffsetFetchRequest& request, const metadata::ClusterImage& image) {
  std::vector<Lookup> lookups;
  if (!request.topics) return lookups;
  std::set<std::pair<std::string_view, PartitionIndex>> seen;
  for (const auto& topic : *request.topics) {
    for (const auto index : topic.partition_indexes) {
      if (!seen.emplace(topic.name, index).second) continue;
      lookups.push_back({{std::string(topic.name), index}, image.partition(topic.name, index) != nullptr});
    }
  }
  return lookups;
}

void answer(const Lookup& lookup, protocol::OffsetFetchResponse::Topic& topic) {
  auto& partition = topic.partitions.emplace_back();
  partition.partition_index = lookup.partition.partition;
  partition.committed_offset = Offset::none();
  if (!lookup.found) {
    partition.error_code = ErrorCode::unknown_server_error;
  } else if (!*lookup.found) {
    partition.error_code = ErrorCode::unknown_topic_or_partition;
  } else {
    partition.committed_offset = **lookup.found;
  }
}

}  // namespace

Task<protocol::OffsetCommitResponse> commit_to_znodes(const protocol::OffsetCommitRequest& request,
                                                      RequestContext& context) {
  const auto metadata_max =
      static_cast<std::size_t>(context.services().configuration.values.integer("offset.metadata.max.bytes"));
  protocol::OffsetCommitResponse response;
  coordinator::TopicAnswers topics(response.topics);
  ZnodeOffsets::Offsets offsets;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      auto& answered = topics.at(topic.name).partitions.emplace_back();
      answered.partition_index = partition.partition_index;
      if (java_length(partition.committed_metadata.value_or("")) > metadata_max) {
        answered.error_code = ErrorCode::offset_metadata_too_large;
      } else {
        offsets.push_back({{std::string(topic.name), partition.partition_index}, partition.committed_offset});
      }
    }
  }
  std::set<TopicPartition> failed;
  const auto partitions = offsets;
  auto outcomes = co_await call_store<std::vector<Status>>(
      context, [group = std::string(request.group_id), offsets = std::move(offsets)](
                   ZnodeOffsets& store, ZnodeOffsets::Stored done) mutable {
        store.store(std::move(group), std::move(offsets), std::move(done));
      });
  for (std::size_t index = 0; index < outcomes.size(); ++index) {
    if (!outcomes[index]) failed.insert(partitions[index].first);
  }
  for (auto& topic : response.topics) {
    for (auto& partition : topic.partitions) {
      if (partition.error_code == ErrorCode::none &&
          failed.contains({std::string(topic.name), partition.partition_index}))
        partition.error_code = ErrorCode::unknown_server_error;
    }
  }
  co_return response;
}

Task<protocol::OffsetFetchResponse> fetch_from_znodes(const protocol::OffsetFetchRequest& request,
                                                      RequestContext& context) {
  auto lookups = lookups_of(request, context.image());
  std::vector<TopicPartition> partitions;
  for (const auto& lookup : lookups) {
    if (lookup.exists) partitions.push_back(lookup.partition);
  }
  auto found = co_await call_store<std::vector<Result<std::optional<Offset>>>>(
      context, [group = std::string(request.group_id), partitions = std::move(partitions)](
                   ZnodeOffsets& store, ZnodeOffsets::Found done) mutable {
        store.find(std::move(group), std::move(partitions), std::move(done));
      });
  std::size_t next = 0;
  protocol::OffsetFetchResponse response;
  coordinator::TopicAnswers topics(response.topics);
  for (auto& lookup : lookups) {
    if (lookup.exists) lookup.found = std::move(found[next++]);
    answer(lookup, topics.at(context.keep(lookup.partition.topic)));
  }
  co_return response;
}

}  // namespace millrace::server
