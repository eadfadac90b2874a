#include "test/sim/simulated_logs.h"

#include <utility>

#include "broker/base/output_chain.h"
#include "broker/protocol/record_batch.h"

namespace millrace::sim {

using log::PartitionLog;

SimulatedLogs::SimulatedLogs(SimulatedDisk& disk, SimulatedScheduler& scheduler, const Settings& settings)
    : disk_(disk), scheduler_(scheduler), settings_(settings) {}

Shard& SimulatedLogs::shard_of(const TopicPartition& partition) {
  std::uint64_t hash = 5381;
  for (auto character : partition.topic) hash = hash * 33 + static_cast<std::uint8_t>(character);
  hash += static_cast<std::uint64_t>(partition.partition.value());
  return shards_->at(static_cast<ShardId>(hash % shards_->size()));
}

Status SimulatedLogs::start(bool with_timers) {
  files_ = disk_.start_process();
  decorated_ = settings_.decorate ? settings_.decorate(*files_) : nullptr;
  shards_ = std::make_unique<SimulatedShards>(scheduler_, "broker", SimulatedShards::Threads{});
  FileSystem& files = decorated_ == nullptr ? *files_ : *decorated_;
  manager_ = std::make_unique<log::LogManager>(
      settings_.options, files, scheduler_.clock(), shards_->pool(), random_,
      [this](const TopicPartition& partition) -> Shard& { return shard_of(partition); });
  return manager_->open_directories().and_then([&] { return manager_->load(settings_.config_for_topic); }).map([&] {
    if (!with_timers) return;
    shards_->at(0).post([this] { manager_->start(shards_->at(0), shards_->background()); });
  });
}

void SimulatedLogs::kill() {
  if (files_ != nullptr) files_->end();
  if (shards_ != nullptr) shards_->stop();
  manager_.reset();
  shards_.reset();
  decorated_.reset();
  files_.reset();
}

Status SimulatedLogs::stop() {
  bool cleaner_stopped = false;
  shards_->at(0).post([&] { manager_->stop_cleaner([&] { cleaner_stopped = true; }); });
  (void)scheduler_.run_until([&] { return cleaner_stopped; });
  shards_->stop_shards();
  (void)scheduler_.run_until([&] { return shards_->is_idle(); });
  auto closed = manager_->close(BrokerEpoch(42));
  kill();
  return closed;
}

log::ReadOutcome SimulatedLogs::read(PartitionLog& log, const log::ReadRequest& request) {
  std::optional<log::ReadOutcome> outcome;
  log.read(request, [&](log::ReadOutcome got) { outcome = std::move(got); });
  if (!scheduler_.run_until([&] { return outcome.has_value(); }))
    return tl::unexpected(log::ReadError{log::ReadErrorKind::storage, "a read was never answered"});
  return std::move(*outcome);
}

Result<std::vector<std::uint8_t>> SimulatedLogs::read_all(PartitionLog& log) {
  std::vector<std::uint8_t> all;
  auto offset = log.log_start_offset();
  while (offset < log.log_end_offset()) {
    auto data = read(log, {offset, log.log_end_offset(), 1 << 20, true});
    if (!data) return fail(ErrorKind::io, data.error().message);
    if (data->records.length_bytes == 0) break;
    OutputChain chain;
    chain.append(data->records);
    auto bytes = chain.flatten();
    if (!bytes) return bytes;
    protocol::BatchReader batches(*bytes);
    const auto before = offset;
    for (auto more = batches.next(); more && *more; more = batches.next())
      offset = batches.batch().header.last_offset() + 1;
    if (offset == before) return fail(ErrorKind::corrupt, "no batch can be read at " + std::to_string(offset.value()));
    all.insert(all.end(), bytes->begin(), bytes->begin() + static_cast<std::ptrdiff_t>(batches.next_position()));
  }
  return all;
}

Result<std::vector<log::AbortedTransaction>> SimulatedLogs::aborted(PartitionLog& log) {
  if (log.log_start_offset() == log.log_end_offset()) return std::vector<log::AbortedTransaction>{};
  auto data = read(log, {log.log_start_offset(), log.log_end_offset(), 1, true, true});
  if (!data) return fail(ErrorKind::io, data.error().message);
  return std::move(data->aborted);
}

}  // namespace millrace::sim
