#include "test/sim/crashed_logs.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "broker/log/checkpoint_file.h"
#include "broker/log/log_directory.h"
#include "broker/protocol/record_batch.h"

namespace millrace::sim {
namespace {

// One machine whose logs are loaded, and what they say.
class RecoveredLogs {
 public:
  RecoveredLogs(const SimulatedDisk& disk, std::uint64_t seed, SimulatedLogs::Settings settings)
      : random_(seed), scheduler_(seed), settings_(std::move(settings)), disk_(disk.fork(random_, scheduler_.clock())) {
    settings_.decorate = nullptr;
  }

  SimulatedDisk& disk() { return *disk_; }
  SimulatedLogs& logs() { return logs_; }
  std::string start() {
    if (auto started = logs_.start(false); !started) return "the start fails: " + started.error().message;
    for (const auto& [partition, why] : logs_.manager().unusable())
      return "the log of " + log::partition_directory_name(partition) + " cannot be used: " + why;
    for (const auto& state : logs_.manager().directories()) {
      if (state.offline) return state.path + " is offline: " + *state.offline;
    }
    return "";
  }
  void kill() { logs_.kill(); }

 private:
  SeededRandom random_;
  SimulatedScheduler scheduler_;
  SimulatedLogs::Settings settings_;
  std::unique_ptr<SimulatedDisk> disk_;
  SimulatedLogs logs_{*disk_, scheduler_, settings_};
};

// What a log says of itself.
struct LogAnswer {
  Offset start;
  Offset end;
  bool compacted;
  std::vector<std::uint8_t> content;
  std::string epochs;
  std::string aborted;
  std::map<ProducerId, std::string> producers;
};
using LogAnswers = std::map<std::string, LogAnswer>;  // by directory

std::string row_of(const log::ProducerEntry& entry) {
  return "epoch " + std::to_string(entry.epoch.value()) + " sequence " + std::to_string(entry.last_sequence().value()) +
         " at " + std::to_string(entry.last_offset().value()) + " open from " +
         std::to_string(entry.transaction_first_offset.value_or(Offset::none()).value());
}

std::string answers_of(RecoveredLogs& recovered, LogAnswers& answers) {
  for (const auto& log : recovered.logs().manager().logs()) {
    LogAnswer answer{log->log_start_offset(), log->log_end_offset(), log->config().compacted, {}, {}, {}, {}};
    auto content = recovered.logs().read_all(*log);
    if (!content) return log->directory() + ": " + content.error().message;
    protocol::BatchReader batches(*content);
    for (auto more = batches.next(); more && *more; more = batches.next()) {
      const auto& header = batches.batch().header;
      const auto epoch = log->leader_epoch_for(std::max(answer.start, header.base_offset));
      if (epoch != header.partition_leader_epoch)
        return log->directory() + ": the epoch at " + std::to_string(header.base_offset.value()) + " is " +
               std::to_string(header.partition_leader_epoch.value()) + ", but it is said to be " +
               std::to_string(epoch.value());
      answer.epochs += std::to_string(epoch.value()) + " ";
    }
    auto aborted = recovered.logs().aborted(*log);
    if (!aborted) return log->directory() + ": " + aborted.error().message;
    for (const auto& one : *aborted) {
      answer.aborted += std::to_string(one.producer.value()) + ":";
      // Of one that began below the log's start the beginning depends on what else is remembered.
      if (one.first_offset >= answer.start && answer.start == Offset(0))
        answer.aborted += std::to_string(one.first_offset.value());
      answer.aborted += "-" + std::to_string(one.last_offset.value()) + " ";
    }
    // Whether those are known that only wrote below the log's start depends on what was read at the load.
    for (const auto& entry : log->producers()) {
      if (entry.last_offset() >= answer.start) answer.producers[entry.id] = row_of(entry);
    }
    answer.content = std::move(*content);
    answers.emplace(log->directory(), std::move(answer));
  }
  return "";
}

// Of what compaction took away an index of transactions tells as it was, and nobody can rebuild that.
std::string difference(const std::string& what, const LogAnswers& one, const LogAnswers& other, bool rebuilt) {
  for (const auto& [directory, answer] : one) {
    const auto there = other.find(directory);
    if (there == other.end()) return directory + " is not there any more after " + what;
    const auto& second = there->second;
    const auto says = [&, &name = directory](const std::string& kind, const std::string& a, const std::string& b) {
      return name + ": after " + what + " other " + kind + ": " + a + ", then " + b;
    };
    if (answer.start != second.start || answer.end != second.end)
      return says("bounds", std::to_string(answer.start.value()) + " to " + std::to_string(answer.end.value()),
                  std::to_string(second.start.value()) + " to " + std::to_string(second.end.value()));
    if (answer.content != second.content) return directory + ": other records after " + what;
    if (answer.epochs != second.epochs) return says("epochs", answer.epochs, second.epochs);
    if (answer.aborted != second.aborted && !(rebuilt && answer.compacted))
      return says("aborted transactions", answer.aborted, second.aborted);
    // Who remembers its producers may know some of whom no record is left.
    for (const auto& [id, row] : answer.producers) {
      const auto again = second.producers.find(id);
      if (again == second.producers.end() && (!rebuilt || answer.start == Offset(0)))
        return directory + ": after " + what + " producer " + std::to_string(id.value()) + " is not known: " + row;
      if (again != second.producers.end() && again->second != row) return says("producers", row, again->second);
    }
    for (const auto& [id, row] : second.producers) {
      if (!answer.producers.contains(id))
        return directory + ": after " + what + " producer " + std::to_string(id.value()) + " is new: " + row +
               "; the log starts at " + std::to_string(answer.start.value());
    }
  }
  return one.size() == other.size() ? "" : "more logs after " + what;
}

bool is_index(const std::string& path) {
  return path.ends_with(log::offset_index_suffix) || path.ends_with(log::time_index_suffix) ||
         path.ends_with(log::transaction_index_suffix);
}

std::string hex(const std::string& entries) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (auto byte : entries) {
    text += digits[static_cast<std::uint8_t>(byte) >> 4];
    text += digits[static_cast<std::uint8_t>(byte) & 15];
  }
  return text;
}

// Their entries: the zeros behind them are room for more.
std::map<std::string, std::string> indexes_of(RecoveredLogs& recovered, const std::string& directory) {
  std::map<std::string, std::string> found;
  auto reader = recovered.disk().start_process();
  for (const auto& path : recovered.disk().files_below(directory)) {
    if (!is_index(path)) continue;
    auto text = reader->read_text(path, 1 << 20).value_or("unreadable");
    const std::size_t entry = path.ends_with(log::offset_index_suffix) ? 8
                              : path.ends_with(log::time_index_suffix) ? 12
                                                                       : 34;
    auto size = text.find_last_not_of('\0') + 1;
    size = (size + entry - 1) / entry * entry;
    text.resize(size);
    if (!text.empty()) found.emplace(path, std::move(text));
  }
  return found;
}

// A time index has an entry more for each clean stop in the middle of its segment, as Kafka's: it must be true of some
// batch.
bool is_fuller_time_index(RecoveredLogs& recovered, const std::string& path, const std::string& entries,
                          const std::string& rebuilt) {
  constexpr std::size_t entry_bytes = 12;
  if (!path.ends_with(log::time_index_suffix)) return false;
  const auto stem = path.substr(0, path.size() - log::time_index_suffix.size());
  const auto name = stem.substr(stem.rfind('/') + 1);
  const auto base = std::stoll(name);
  std::set<std::string> true_entries;
  const auto text =
      recovered.disk().start_process()->read_text(stem + std::string(log::log_suffix), 1 << 20).value_or("");
  protocol::BatchReader batches(as_bytes(text));
  TimestampMs largest = TimestampMs::none();
  for (auto more = batches.next(); more && *more; more = batches.next()) {
    const auto& header = batches.batch().header;
    if (header.max_timestamp <= largest) continue;
    largest = header.max_timestamp;
    std::vector<std::uint8_t> entry(entry_bytes);
    store_big_endian(entry.data(), largest.value());
    store_big_endian(entry.data() + 8, static_cast<std::int32_t>(header.last_offset().value() - base));
    true_entries.insert(std::string(as_text(entry)));
  }
  std::size_t found = 0;
  for (std::size_t at = 0; at < entries.size(); at += entry_bytes) {
    const auto entry = entries.substr(at, entry_bytes);
    if (found < rebuilt.size() && entry == rebuilt.substr(found, entry_bytes))
      found += entry_bytes;
    else if (!true_entries.contains(entry))
      return false;
  }
  return found == rebuilt.size();
}

std::string check_indexes(RecoveredLogs& recovered, RecoveredLogs& rebuilt, const LogAnswers& answers) {
  for (const auto& [directory, answer] : answers) {
    auto one = indexes_of(recovered, directory);
    auto other = indexes_of(rebuilt, directory);
    for (const auto& [path, entries] : other) (void)one[path];
    for (const auto& [path, entries] : one) {
      const auto& again = other[path];
      if (answer.compacted && path.ends_with(log::transaction_index_suffix)) continue;
      if (entries == again || is_fuller_time_index(recovered, path, entries, again)) continue;
      return path + " has the entries " + hex(entries) + ", and when it is rebuilt " + hex(again);
    }
  }
  return "";
}

std::string check_rebuild(RecoveredLogs& recovered, const LogAnswers& answers, const SimulatedLogs::Settings& settings,
                          std::uint64_t seed) {
  RecoveredLogs rebuilt(recovered.disk(), seed, settings);
  {
    auto files = rebuilt.disk().start_process();
    for (const auto& directory : settings.options.directories) {
      for (const auto& path : rebuilt.disk().files_below(directory)) {
        const bool derived = is_index(path) || path.ends_with(log::producer_snapshot_suffix) ||
                             path.ends_with(log::leader_epoch_checkpoint_name) ||
                             path.ends_with(log::recovery_point_checkpoint_name);
        if (derived) (void)files->remove(path);
      }
    }
  }
  if (auto wrong = rebuilt.start(); !wrong.empty()) return "a rebuild: " + wrong;
  LogAnswers again;
  if (auto wrong = answers_of(rebuilt, again); !wrong.empty()) return "a rebuild: " + wrong;
  if (auto wrong = difference("a rebuild", answers, again, true); !wrong.empty()) return wrong;
  return check_indexes(recovered, rebuilt, answers);
}

std::string check_ledgers(const LogAnswers& answers, const SimulatedLogs::Settings& settings, const Ledgers& ledgers,
                          bool lossless) {
  std::map<std::string, const LogAnswer*> unknown;  // by name
  for (const auto& [directory, answer] : answers) unknown[directory.substr(directory.rfind('/') + 1)] = &answer;
  // Of the logs of one name only the last one may be there.
  for (auto ledger = ledgers.rbegin(); ledger != ledgers.rend(); ++ledger) {
    const auto& one = **ledger;
    const auto name = log::partition_directory_name(one.partition);
    const auto found = unknown.find(name);
    using State = LogLedger::State;
    if (found == unknown.end()) {
      if (one.state == State::there &&
          std::none_of(ledgers.rbegin(), ledger, [&](const auto& later) { return later->partition == one.partition; }))
        return "the log of " + name + " is lost";
      continue;
    }
    if (one.state == State::deleted) continue;
    const auto& answer = *found->second;
    if (auto wrong = one.check(answer.content, answer.start, answer.end, lossless); !wrong.empty())
      return name + ": " + wrong;
    unknown.erase(found);
  }
  for (const auto& [name, answer] : unknown) return "the log of " + name + " was deleted and is back";
  (void)settings;
  return "";
}

std::string check_checkpoints(RecoveredLogs& recovered, const SimulatedLogs::Settings& settings) {
  std::map<std::string, Offset> ends;  // by directory, under the logs' names: of copies that are on their way too
  std::set<std::string> copies;
  for (const auto& hosted : recovered.logs().manager().hosted_logs()) {
    const auto directory = hosted.directory + "/" + log::partition_directory_name(hosted.log->topic_partition());
    ends.emplace(directory, hosted.log->log_end_offset());
    if (hosted.is_future) copies.insert(directory);
  }
  for (const auto& directory : settings.options.directories) {
    for (auto name : {log::recovery_point_checkpoint_name, log::log_start_checkpoint_name,
                      log::high_watermark_checkpoint_name, log::cleaner_checkpoint_name}) {
      auto offsets = log::read_offset_checkpoint(recovered.logs().files(), directory + "/" + std::string(name));
      if (!offsets) return offsets.error().message;
      for (const auto& [partition, offset] : *offsets) {
        const auto end = ends.find(directory + "/" + log::partition_directory_name(partition));
        if (end == ends.end()) return directory + ": a log that is not there is in " + std::string(name);
        // Up to where a copy is compacted is known from its log, before it is so long.
        if (name == log::cleaner_checkpoint_name && copies.contains(end->first)) continue;
        if (offset > end->second)
          return end->first + " ends at " + std::to_string(end->second.value()) + ", and is at " +
                 std::to_string(offset.value()) + " in " + std::string(name);
      }
    }
  }
  return "";
}

std::string check(RecoveredLogs& recovered, const PowerLoss& loss, std::uint64_t seed,
                  const SimulatedLogs::Settings& settings, const Ledgers& ledgers, bool lossless) {
  if (auto wrong = recovered.start(); !wrong.empty()) return wrong;
  LogAnswers answers;
  if (auto wrong = answers_of(recovered, answers); !wrong.empty()) return wrong;
  if (auto wrong = check_ledgers(answers, settings, ledgers, lossless); !wrong.empty()) return wrong;
  if (auto wrong = check_checkpoints(recovered, settings); !wrong.empty()) return wrong;
  if (auto wrong = check_rebuild(recovered, answers, settings, seed); !wrong.empty()) return wrong;
  RecoveredLogs second(recovered.disk(), seed + 1, settings);
  second.disk().lose_power(loss);
  if (auto wrong = second.start(); !wrong.empty()) return "a second recovery: " + wrong;
  LogAnswers again;
  if (auto wrong = answers_of(second, again); !wrong.empty()) return "a second recovery: " + wrong;
  return difference("a second recovery", answers, again, false);
}

}  // namespace

std::string check_crash(const SimulatedDisk& disk, const Crash& crash, const SimulatedLogs::Settings& settings,
                        const Ledgers& ledgers) {
  RecoveredLogs recovered(disk, crash.seed, settings);
  recovered.disk().lose_power(crash.loss);
  return check(recovered, crash.loss, crash.seed, settings, ledgers, false);
}

std::string check_kill(const SimulatedDisk& disk, std::uint64_t seed, const SimulatedLogs::Settings& settings,
                       const Ledgers& ledgers) {
  RecoveredLogs recovered(disk, seed, settings);
  // What the process wrote is there when the machine is looked at, whatever becomes of it later.
  recovered.disk().lose_power({PowerLoss::Data::kept, PowerLoss::Names::kept});
  return check(recovered, PowerLoss{}, seed, settings, ledgers, true);
}

}  // namespace millrace::sim
