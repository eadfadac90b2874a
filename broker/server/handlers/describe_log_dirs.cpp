#include "broker/server/handlers/describe_log_dirs.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/logging.h"
#include "broker/log/log_directory.h"
#include "broker/log/log_manager.h"
#include "broker/server/configuration/broker_configuration.h"
#include "broker/server/request_context.h"

namespace millrace::server {
namespace {

using protocol::DescribeLogDirsRequest;
using protocol::DescribeLogDirsResponse;
using protocol::ErrorCode;
using Directory = DescribeLogDirsResponse::Directory;
using PartitionAnswer = Directory::Topic::Partition;

constexpr Logger logger{"server"};

// Nothing: all of them.
using Wanted = std::optional<std::set<std::pair<std::string_view, PartitionIndex>>>;

Wanted wanted_of(const DescribeLogDirsRequest& request) {
  if (!request.topics) return std::nullopt;
  Wanted wanted(std::in_place);
  for (const auto& topic : *request.topics) {
    for (auto partition : topic.partitions) wanted->emplace(topic.topic, partition);
  }
  return wanted;
}

// The answer, and the logs whose names it views.
struct Described {
  std::vector<Directory> directories;
  std::vector<log::HostedLog> logs;
  std::vector<std::string> paths;
};

PartitionAnswer describe(const log::HostedLog& hosted) {
  static constexpr std::int64_t unknown_lag = -1;
  const auto& published = hosted.log->published();
  PartitionAnswer answer;
  answer.partition_index = hosted.log->topic_partition().partition;
  answer.partition_size = static_cast<std::int64_t>(published.size_bytes.load());
  answer.is_future_key = hosted.is_future;
  // Of a replica that has yet to copy what others have, or what is in the directory that it moves from.
  answer.offset_lag =
      hosted.is_future ? hosted.lag.value_or(unknown_lag)
                       : std::max<std::int64_t>(published.high_watermark.load() - published.log_end_offset.load(), 0);
  return answer;
}

// How full the volume is. The error: the directory cannot be used.
Status describe_volume(const log::LogManager& logs, const std::string& path, Directory& directory) {
  const auto space = logs.space(path);
  if (!space) return tl::unexpected(space.error());
  auto bounded = [](std::uint64_t bytes) {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(bytes, std::numeric_limits<std::int64_t>::max()));
  };
  directory.total_bytes = bounded(space->total_bytes);
  directory.usable_bytes = bounded(space->available_bytes);
  return {};
}

Described describe_all(const std::vector<std::string>& paths, const log::LogManager& logs, const Wanted& wanted) {
  Described described{{}, logs.hosted_logs(), {}};
  std::map<std::string_view, std::map<std::string_view, std::vector<PartitionAnswer>>> by_directory;
  for (const auto& hosted : described.logs) {
    const auto& partition = hosted.log->topic_partition();
    if (wanted && !wanted->contains({partition.topic, partition.partition})) continue;
    by_directory[hosted.directory][partition.topic].push_back(describe(hosted));
  }
  described.paths.reserve(paths.size());  // the answer views them
  for (const auto& path : paths) {
    auto& directory = described.directories.emplace_back();
    directory.log_dir = described.paths.emplace_back(log::shown_directory_name(path));
    if (!logs.is_online(path)) {
      directory.error_code = ErrorCode::kafka_storage_error;
      continue;
    }
    if (auto described_volume = describe_volume(logs, path, directory); !described_volume) {
      logger.warning("the log directory " + path + " cannot be described: " + described_volume.error().message);
      directory.error_code = ErrorCode::kafka_storage_error;
      continue;
    }
    for (auto& [topic, partitions] : by_directory[path]) directory.topics.push_back({topic, std::move(partitions)});
  }
  return described;
}

}  // namespace

Task<Result<std::optional<DescribeLogDirsResponse>>> DescribeLogDirsHandler::handle(const Request& request,
                                                                                    RequestContext& context) {
  const auto& services = context.services();
  auto described = co_await run_blocking(context.shard(), [&paths = services.configuration.log.directories,
                                                           &logs = services.logs, wanted = wanted_of(request)] {
    return std::make_shared<Described>(describe_all(paths, logs, wanted));
  });
  Response response;
  response.results = std::move(described->directories);
  context.keep(std::move(described));
  co_return response;
}

}  // namespace millrace::server
