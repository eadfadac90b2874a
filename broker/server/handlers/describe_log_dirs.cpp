#include "broker/server/handlers/describe_log_dirs.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "broker/base/logging.h"
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
  std::vector<std::shared_ptr<log::PartitionLog>> logs;
  std::vector<std::string> paths;
};

PartitionAnswer describe(const log::PartitionLog& log) {
  const auto& published = log.published();
  PartitionAnswer answer;
  answer.partition_index = log.topic_partition().partition;
  answer.partition_size = static_cast<std::int64_t>(published.size_bytes.load());
  // Of a replica that has yet to copy what others have.
  answer.offset_lag = std::max<std::int64_t>(published.high_watermark.load() - published.log_end_offset.load(), 0);
  return answer;
}

// How full the volume is. The error: the directory cannot be used.
std::error_code describe_volume(const std::string& path, Directory& directory) {
  std::error_code error;
  const auto space = std::filesystem::space(path, error);
  if (error) return error;
  auto bounded = [](std::uintmax_t bytes) {
    return static_cast<std::int64_t>(std::min<std::uintmax_t>(bytes, std::numeric_limits<std::int64_t>::max()));
  };
  directory.total_bytes = bounded(space.capacity);
  directory.usable_bytes = bounded(space.available);
  return {};
}

Described describe_all(const std::vector<std::string>& paths, const log::LogManager& logs, const Wanted& wanted) {
  Described described{{}, logs.logs(), {}};
  std::map<std::string_view, std::map<std::string_view, std::vector<PartitionAnswer>>> by_directory;
  for (const auto& log : described.logs) {
    const auto& partition = log->topic_partition();
    if (wanted && !wanted->contains({partition.topic, partition.partition})) continue;
    const std::string_view path = log->directory();
    by_directory[path.substr(0, path.rfind('/'))][partition.topic].push_back(describe(*log));
  }
  described.paths.reserve(paths.size());  // the answer views them
  for (const auto& path : paths) {
    auto& directory = described.directories.emplace_back();
    directory.log_dir = described.paths.emplace_back(std::filesystem::absolute(path).lexically_normal().string());
    if (!logs.is_online(path)) {
      directory.error_code = ErrorCode::kafka_storage_error;
      continue;
    }
    if (auto error = describe_volume(path, directory)) {
      logger.warning("the log directory " + path + " cannot be described: " + error.message());
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
