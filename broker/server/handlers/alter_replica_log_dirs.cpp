#include "broker/server/handlers/alter_replica_log_dirs.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/log/log_manager.h"
#include "broker/metadata/cluster_image.h"
#include "broker/replication/error_translation.h"
#include "broker/replication/replica_manager.h"
#include "broker/server/fan_out.h"
#include "broker/server/request_context.h"

namespace millrace::server {
namespace {

using protocol::ErrorCode;

struct Move {
  std::string_view topic;
  PartitionIndex partition;
  std::string_view directory;
  bool is_known = false;  // to the cluster
  std::optional<log::MoveRefusal> refusal;
};

std::vector<Move> moves_of(const protocol::AlterReplicaLogDirsRequest& request, const metadata::ClusterImage& image) {
  std::vector<Move> moves;
  std::map<std::pair<std::string_view, PartitionIndex>, std::size_t> known;
  for (const auto& directory : request.dirs) {
    for (const auto& wanted : directory.topics) {
      const auto topic = image.topic(wanted.name);
      for (auto partition : wanted.partitions) {
        const auto [at, added] = known.try_emplace({wanted.name, partition}, moves.size());
        const bool is_known = topic != nullptr && topic->partition(partition) != nullptr;
        if (added) moves.push_back({wanted.name, partition, {}, is_known, std::nullopt});
        moves[at->second].directory = directory.path;
      }
    }
  }
  return moves;
}

// Kafka asks about the directory before it looks for the partition.
ErrorCode error_of(const Move& move) {
  if (!move.refusal) return ErrorCode::none;
  if (*move.refusal == log::MoveRefusal::no_log && !move.is_known) return ErrorCode::unknown_topic_or_partition;
  return replication::error_code_of(*move.refusal);
}

protocol::AlterReplicaLogDirsResponse answer_of(const std::vector<Move>& moves) {
  protocol::AlterReplicaLogDirsResponse response;
  std::map<std::string_view, std::size_t> topics;
  for (const auto& move : moves) {
    const auto [at, added] = topics.try_emplace(move.topic, response.results.size());
    if (added) response.results.emplace_back().topic_name = move.topic;
    response.results[at->second].partitions.push_back({move.partition, error_of(move)});
  }
  return response;
}

}  // namespace

Task<Result<std::optional<protocol::AlterReplicaLogDirsResponse>>> AlterReplicaLogDirsHandler::handle(
    const Request& request, RequestContext& context) {
  auto& services = context.services();
  auto moves = moves_of(request, context.image());
  std::vector<ShardId> owners;
  owners.reserve(moves.size());
  for (const auto& move : moves)
    owners.push_back(replication::owner_of(move.topic, move.partition, services.shards.size()));
  co_await fan_out(context.shard(), services.shards, owners, [&](ShardId /*shard*/, std::size_t index, Job arrive) {
    auto& move = moves[index];
    services.logs.move({std::string(move.topic), move.partition}, std::string(move.directory), move.is_known,
                       [&move, arrive = std::move(arrive)](log::MoveOutcome outcome) mutable {
                         if (!outcome) move.refusal = outcome.error();
                         arrive();
                       });
  });
  co_return answer_of(moves);
}

}  // namespace millrace::server
