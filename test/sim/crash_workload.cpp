#include "test/sim/crash_workload.h"

#include <algorithm>
#include <array>
#include <utility>

#include "broker/log/checkpoint_file.h"
#include "broker/log/damage.h"
#include "broker/log/log_directory.h"
#include "broker/log/producer_entry.h"

namespace millrace::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using State = LogLedger::State;

constexpr std::array<std::pair<const char*, std::int32_t>, 6> lasting_logs{
    {{"plain", 0}, {"plain", 1}, {"synced", 0}, {"synced", 1}, {"compact", 0}, {"decided", 0}}};

}  // namespace

CrashWorkload::CrashWorkload(std::uint64_t seed, const Settings& settings)
    : seed_(seed),
      settings_(settings),
      chance_(seed * 31 + 1),
      disk_chance_(seed * 31 + 2),
      scheduler_(seed),
      disk_(disk_chance_, scheduler_.clock()),
      times_{.one_stall_in = 500, .stall = milliseconds(50)},
      log_settings_{options(), [this](const std::string& topic) { return config_for(topic); }, settings.decorate} {
  disk_.add_volume("/a", 64 << 20);
  disk_.add_volume("/b", 64 << 20);
  disk_.on_call = [this](const DiskOperation& operation) {
    if (is_change(operation.call)) {
      scheduler_.note(std::string(to_string(operation.call)) + " " + operation.path);
      if (before_change && wrong_.empty()) wrong_ = before_change();
    }
    if (operation.call == DiskCall::rename && operation.path.ends_with("-future")) ++swaps_;
    if (operation.call == DiskCall::rename && operation.path.find(log::scrub_checkpoint_name) != std::string::npos)
      ++scrubs_;
    times_.take(scheduler_, disk_chance_, operation.call);
  };
}

CrashWorkload::~CrashWorkload() {
  disk_.on_call = nullptr;
  kill();
}

log::LogManagerOptions CrashWorkload::options() {
  log::LogManagerOptions options;
  options.directories = {"/a/logs", "/b/logs"};
  options.cluster_id = "1gdzRcRMRMyxOSdkj0JfkA";
  options.broker_id = BrokerId(7);
  options.checkpoint_interval_ms = 70;
  options.log_start_checkpoint_interval_ms = 110;
  options.high_watermark_checkpoint_interval_ms = 50;
  options.housekeeping_interval_ms = 60;
  options.retention_check_interval_ms = 80;
  options.initial_task_delay_ms = 20;
  options.producer_id_expiration_ms = log::LogConfig::unlimited;
  options.cleaner = log::CleanerOptions{.threads = 2, .backoff_ms = 60, .dedupe_buffer_bytes = 1 << 14};
  options.scrub = {.bytes_per_second = 256 << 10, .interval_ms = 40};
  options.journal.files = 2;
  options.journal.file_bytes = 16 * 1024;
  options.closing_threads = 0;
  options.tail_window_bytes = 500;
  options.slow_append = std::chrono::hours(1);
  return options;
}

log::LogConfig CrashWorkload::config_for(const std::string& topic) const {
  SeededRandom chance(seed_ * 100 + topic.size());
  log::LogConfig config;
  config.segment_bytes = static_cast<std::int32_t>(500 + chance.below(700));
  config.index_interval_bytes = static_cast<std::int32_t>(1 + chance.below(300));
  config.segment_index_bytes = static_cast<std::int32_t>(120 + chance.below(400));
  config.file_delete_delay_ms = static_cast<std::int64_t>(chance.below(100));
  config.preallocate = chance.below(4) == 0;
  if (topic == "plain") {
    config.retention_bytes = 2'500;
    config.flush_ms = 90;
  } else if (topic.starts_with("synced")) {
    config.flush_messages = 1;
  } else if (topic == "compact") {
    config.compacted = true;
    config.deleted_by_age_or_size = false;
    config.min_cleanable_dirty_ratio = 0.1;
  }
  return config;
}

void CrashWorkload::make(const std::string& topic, std::int32_t partition) {
  ledgers_.push_back(std::make_unique<LogLedger>(TopicPartition{topic, PartitionIndex(partition)}, ledgers_.size() + 1,
                                                 config_for(topic)));
  auto& ledger = *ledgers_.back();
  logs_.manager().get_or_create(ledger.partition, ledger.topic_id, ledger.config, [&ledger](auto made) {
    if (!made) return;
    ledger.state = State::there;
    ledger.log = *made;
    (void)ledger.log->start_leader_epoch(ledger.leader_epoch);
  });
}

std::string CrashWorkload::start() {
  if (auto started = logs_.start(true); !started) return "the start fails: " + started.error().message;
  for (const auto& [partition, why] : logs_.manager().unusable())
    return "the log of " + log::partition_directory_name(partition) + " cannot be used: " + why;
  return "";
}

// After a start: every ledger finds its log, and learns what became of what was under way.
std::string CrashWorkload::settle() {
  for (const auto& ledger : ledgers_) {
    if (ledger->state == State::deleted) continue;
    auto log = logs_.manager().find(ledger->partition);
    // Of a topic that was being made or deleted it is known now.
    if (log == nullptr && ledger->state == State::there)
      return "the log of " + log::partition_directory_name(ledger->partition) + " is lost";
    if (log != nullptr && log->topic_id() != ledger->topic_id && ledger->state != State::there) log = nullptr;
    if (log == nullptr) {
      ledger->state = State::deleted;
      continue;
    }
    auto content = logs_.read_all(*log);
    if (!content) return content.error().message;
    auto wrong = ledger->settle(*content, log->log_start_offset(), log->log_end_offset());
    if (!wrong.empty()) return log->directory() + " after a kill: " + wrong;
    ledger->log = std::move(log);
    ledger->state = State::there;
  }
  return "";
}

void CrashWorkload::on_shard(LogLedger& ledger, std::function<void(LogLedger&, log::PartitionLog&)> work) {
  if (ledger.log == nullptr || ledger.state != State::there) return;
  ledger.log->shard().post([&ledger, work = std::move(work)] {
    if (ledger.log != nullptr && ledger.state == State::there) work(ledger, *ledger.log);
  });
}

void CrashWorkload::take_step() {
  if (chance_.below(25) == 0) {
    const auto known = std::ranges::find_if(ledgers_, [](const auto& ledger) {
      return ledger->partition.topic == "synced-passing" && ledger->state != State::deleted;
    });
    if (known == ledgers_.end()) return make("synced-passing", 0);
    if ((*known)->state == State::there) return remove(**known);
  }
  auto& ledger = *ledgers_[chance_.below(ledgers_.size())];
  switch (chance_.below(24)) {
    case 0:
      if (ledger.partition.topic == "decided" || ledger.partition.topic == "synced")
        return on_shard(ledger, [this](auto& of, auto& log) { truncate(of, log); });
      break;
    case 1:
      return on_shard(ledger, [this](auto& of, auto& log) { flush(of, log); });
    case 2:
      return on_shard(ledger, [](auto& of, auto& log) {
        of.leader_epoch = of.leader_epoch + 1;
        (void)log.start_leader_epoch(of.leader_epoch);
      });
    case 3:
      if (ledger.partition.topic != "plain") break;
      return on_shard(ledger, [this](auto&, auto& log) {
        const auto start = log.log_start_offset();
        const Offset watermark(log.published().high_watermark.load());
        if (start < watermark)
          (void)log.advance_log_start_offset(
              start + static_cast<std::int64_t>(chance_.below(static_cast<std::uint64_t>(watermark - start))));
      });
    case 4:
    case 5:
      if (settings_.moves) return move(ledger);
      break;
    default:
      break;
  }
  on_shard(ledger, [this](auto& of, auto& log) { append(of, log); });
}

// Producers 1 and 2 are idempotent, 3 and 4 transactional, 0 is none.
void CrashWorkload::append(LogLedger& ledger, log::PartitionLog& log) {
  const bool transactions = ledger.partition.topic == "decided" || ledger.partition.topic == "compact";
  const ProducerId id(static_cast<std::int64_t>(chance_.below(transactions ? 5 : 3)));
  const auto entries = log.producers();
  const auto known = std::ranges::find(entries, id, &log::ProducerEntry::id);
  const auto* producer = known == entries.end() ? nullptr : &*known;
  const auto now = scheduler_.clock().wall_clock();
  const bool open = producer != nullptr && producer->transaction_first_offset.has_value();
  if (open && chance_.below(2) == 0)
    return send(ledger, log, ledger.add_marker(*producer, chance_.below(2) == 0, now), log::AppendOrigin::coordinator);
  send(ledger, log,
       ledger.add_records(1 + chance_.below(3), chance_.below(40), chance_.below(9), now, producer,
                          id == ProducerId(0) ? ProducerId::none() : id, id >= ProducerId(3)),
       log::AppendOrigin::client);
}

void CrashWorkload::send(LogLedger& ledger, log::PartitionLog& log, std::vector<std::uint8_t> bytes,
                         log::AppendOrigin origin) {
  const auto number = ledger.batches.size() - 1;
  auto held = std::make_shared<std::vector<std::uint8_t>>(std::move(bytes));
  log.append({*held, origin, ledger.leader_epoch, scheduler_.clock().wall_clock()},
             [this, &ledger, number, held](const log::AppendOutcome& outcome) {
               ledger.appended(number, outcome);
               ++(outcome ? appended_ : refused_);
               if (outcome && ledger.log != nullptr) ledger.log->publish_high_watermark(outcome->last_offset + 1);
             });
  if (settings_.acknowledged_early && ledger.config.flush_messages == 1)
    ledger.acknowledge(number, log.log_end_offset());
}

void CrashWorkload::flush(LogLedger& ledger, log::PartitionLog& log) {
  // Records in the place of others that were cut off meanwhile are not meant.
  log.flush([&ledger, end = log.log_end_offset(), cuts = ledger.cuts()](const Status& status) {
    if (status && ledger.log != nullptr && ledger.cuts() == cuts) ledger.synced(end);
  });
}

void CrashWorkload::truncate(LogLedger& ledger, log::PartitionLog& log) {
  const auto end = log.log_end_offset();
  const auto length = static_cast<std::uint64_t>(end - log.log_start_offset());
  const auto target = end - static_cast<std::int64_t>(chance_.below(std::min<std::uint64_t>(length, 20) + 1));
  ledger.truncating(target);
  log.truncate_to(target, [&ledger](const Status& status) {
    if (status && ledger.log != nullptr) ledger.truncated(ledger.log->log_end_offset());
  });
}

void CrashWorkload::remove(LogLedger& ledger) {
  ledger.state = State::deleting;
  logs_.manager().remove(ledger.partition, [&ledger](const Status& status) {
    if (!status) return;
    ledger.state = State::deleted;
    ledger.log.reset();
  });
}

// Mostly to the other directory; sometimes to where it is, which ends a move that is under way.
void CrashWorkload::move(LogLedger& ledger) {
  if (ledger.log == nullptr || ledger.state != State::there) return;
  const auto& directories = log_settings_.options.directories;
  const bool is_in_first = ledger.log->directory().starts_with(directories.front() + "/");
  const bool to_other = chance_.below(4) > 0;
  logs_.manager().move(ledger.partition, directories[is_in_first == to_other ? 1 : 0], true,
                       [](const log::MoveOutcome&) {});
}

// This disk loses what was not synced, which a start deals with. What it keeps it does not change: who finds damage while segments are appended
// to, compacted, cut off and moved has read something that was not what it took it for.
std::string CrashWorkload::found_damage() {
  using log::FoundBy;
  const auto& damage = logs_.manager().damage();
  for (auto by : {FoundBy::scrub, FoundBy::compaction, FoundBy::fetch}) {
    if (damage.batches(by) + damage.index_entries(by) > 0)
      return std::to_string(damage.batches(by)) + " batches and " + std::to_string(damage.index_entries(by)) +
             " index entries of a sound disk are called damaged by finder " + std::to_string(static_cast<int>(by));
  }
  return "";
}

void CrashWorkload::kill() {
  for (const auto& ledger : ledgers_) ledger->process_ended();
  logs_.kill();
}

void CrashWorkload::end_life() {
  if (chance_.below(2) == 0) return kill();
  // What is under way is given some time, as a stop does.
  scheduler_.run_for(milliseconds(chance_.below(20)));
  (void)logs_.stop();
  for (const auto& ledger : ledgers_) ledger->process_ended();
}

std::string CrashWorkload::run_one_life() {
  if (auto wrong = start(); !wrong.empty()) return wrong;
  if (ledgers_.empty()) {
    for (const auto& [topic, partition] : lasting_logs) make(topic, partition);
    scheduler_.run_for(milliseconds(30));
  } else if (auto wrong = settle(); !wrong.empty()) {
    return wrong;
  }
  for (int step = 0; step < settings_.steps && wrong_.empty(); ++step) {
    take_step();
    if (chance_.below(3) == 0) scheduler_.run_for(microseconds(chance_.below(20'000)));
    if (wrong_.empty()) wrong_ = found_damage();
  }
  return wrong_;
}

std::string CrashWorkload::run() {
  for (int life = 0; life < settings_.lives; ++life) {
    if (auto wrong = run_one_life(); !wrong.empty()) return wrong;
    end_life();
    if (!wrong_.empty()) return wrong_;
  }
  return wrong_;
}

}  // namespace millrace::sim
