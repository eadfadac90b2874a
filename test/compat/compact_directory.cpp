// Compacts the partitions that CompactWithKafka has made, by the same plans, and writes the same results:
//
//   millrace_compact_directory ROOT
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "broker/base/file.h"
#include "broker/base/manual_shard.h"
#include "broker/base/random.h"
#include "broker/log/compaction.h"
#include "broker/log/compaction_input.h"
#include "broker/log/log_environment.h"
#include "broker/log/log_loader.h"
#include "broker/log/segment_swap.h"

namespace millrace::log {
namespace {

struct Pass {
  TimestampMs now;
  std::uint64_t map_bytes = 0;
  Offset cap;
};

struct Plan {
  LogConfig config;
  std::vector<Pass> passes;
};

Plan read_plan(const std::filesystem::path& path) {
  Plan plan;
  std::ifstream file(path);
  std::map<std::string, std::int64_t> numbers;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    if (kind == "pass") {
      std::int64_t now = 0;
      std::int64_t cap = 0;
      Pass pass;
      words >> now >> pass.map_bytes >> cap;
      pass.now = TimestampMs(now);
      pass.cap = Offset(cap);
      plan.passes.push_back(pass);
    } else {
      std::string key;
      std::string value;
      words >> key >> value;
      if (key != "cleanup.policy") numbers[key] = std::stoll(value);
    }
  }
  plan.config.compacted = true;
  plan.config.deleted_by_age_or_size = false;
  plan.config.segment_bytes = static_cast<std::int32_t>(numbers.at("segment.bytes"));
  plan.config.segment_index_bytes = static_cast<std::int32_t>(numbers.at("segment.index.bytes"));
  plan.config.index_interval_bytes = static_cast<std::int32_t>(numbers.at("index.interval.bytes"));
  plan.config.delete_retention_ms = numbers.at("delete.retention.ms");
  plan.config.min_compaction_lag_ms = numbers.at("min.compaction.lag.ms");
  return plan;
}

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  throw std::runtime_error(result.error().message);
}
void must(const Status& status) {
  if (!status) throw std::runtime_error(status.error().message);
}

std::string run_pass(const std::string& directory, const Plan& plan, const Pass& pass, std::optional<Offset>& cleaned) {
  ManualShard shard;
  shard.manual_clock().set_wall_clock(pass.now);
  SeededRandom random(7);
  const auto environment =
      std::make_shared<LogEnvironment>(LogManagerOptions{}, posix_file_system(), shard.clock(), shard.pool(), random);
  auto log = must(load_log({.partition = {"topic", PartitionIndex(0)},
                            .directory = directory,
                            .config = plan.config,
                            .clean = true,
                            .recovery_point = Offset(std::numeric_limits<std::int64_t>::max()),
                            .cleaned = true},
                           *environment));
  Offset stable = std::min(log->log_end, pass.cap);
  if (auto open = log->producers.first_open_transaction(); open != Offset::none()) stable = std::min(stable, open);
  const auto candidate = compaction_candidate(*log, stable, cleaned, pass.now);
  std::ostringstream text;
  text << "pass " << candidate.first_dirty.value() << ' ' << candidate.first_uncleanable.value() << ' '
       << candidate.clean_bytes << ' ' << candidate.cleanable_bytes;
  if (candidate.cleanable_bytes > 0) {
    KeyOffsetMap keys(pass.map_bytes, 0.9, random);
    Compaction compaction(environment->cache, compaction_input(*log, candidate, pass.now), keys);
    for (auto step = Compaction::Step::more; step != Compaction::Step::finished;) {
      step = must(compaction.step());
      if (step != Compaction::Step::group) continue;
      auto group = compaction.take_group();
      auto& segment = *group.segment;
      auto old = log->segments.replace(group.first, group.end, std::move(group.segment));
      auto snapshots = snapshots_of_replaced(old);
      must(swap_in(segment, {environment, directory, std::move(old), std::move(snapshots)}));
    }
    cleaned = compaction.end_offset();
    const auto& statistics = compaction.statistics();
    text << " end " << cleaned->value() << " read " << statistics.read_records << " written "
         << statistics.written_records << " invalid " << statistics.records_without_key;
  }
  text << '\n';
  must(log->segments.active().seal());
  return text.str();
}

void run(const std::filesystem::path& root) {
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    const auto plan = read_plan(entry.path() / "plan");
    const auto directory = (entry.path() / "topic-0").string();
    std::optional<Offset> cleaned;
    std::ofstream result(entry.path() / "result");
    for (const auto& pass : plan.passes) {
      try {
        result << run_pass(directory, plan, pass, cleaned);
      } catch (const std::exception& failure) {
        result << failure.what() << '\n';
      }
    }
    for (const auto& file : std::filesystem::directory_iterator(directory)) {
      if (file.path().extension() == ".deleted") std::filesystem::remove(file.path());
    }
  }
}

}  // namespace
}  // namespace millrace::log

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: millrace_compact_directory ROOT\n";
    return 2;
  }
  millrace::log::run(arguments[1]);
  return 0;
}
