// Batches and index entries that are not what was written: who found them, how many, which logs have them.
//
// A log with damaged batches goes on: what is before and behind them is read as ever, they themselves are served as they are,
// as Kafka serves them, for clients look at checksums themselves. It is never cut or removed because of them. But nobody is
// to make a copy of it: compaction leaves it alone, and LogDamage::damaged() is for replication to refuse its leadership.
// Damaged index entries cost time only: who reads checks where they lead to, and searches without them.
//
// Any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "broker/base/metrics.h"
#include "broker/base/types.h"

namespace millrace::log {

enum class FoundBy : std::uint8_t { recovery, scrub, compaction, replica, fetch };

// Of all logs.
class DamageReports {
 public:
  // Before the first report, once. `registry` outlives it.
  void show_in(MetricsRegistry& registry);

  void count_batch(FoundBy by);
  void count_index_entry(FoundBy by);
  void logs_damaged(int change);

  [[nodiscard]] std::uint64_t batches(FoundBy by) const { return batches_[static_cast<std::size_t>(by)]; }
  [[nodiscard]] std::uint64_t index_entries(FoundBy by) const { return index_entries_[static_cast<std::size_t>(by)]; }
  [[nodiscard]] std::int64_t damaged_logs() const { return damaged_logs_; }

 private:
  static constexpr std::size_t finders = 5;
  struct Metrics {
    std::array<MetricsRegistry::Counter, finders> batches;
    std::array<MetricsRegistry::Counter, finders> index_entries;
    MetricsRegistry::Gauge damaged_logs;
  };

  std::array<std::atomic<std::uint64_t>, finders> batches_{};
  std::array<std::atomic<std::uint64_t>, finders> index_entries_{};
  std::atomic<std::int64_t> damaged_logs_{0};
  std::optional<Metrics> metrics_;
};

// Of one log. What is found again is neither said nor counted again. Of batches and of index entries each, the first
// most_findings are counted and the first most_said said; a segment with a damaged batch marks the log, however many there are.
class LogDamage {
 public:
  static constexpr std::size_t most_findings = 1000;
  static constexpr std::size_t most_said = 100;  // in one go: the log's shard writes these lines

  // `name`: the log's, <topic>-<partition>.
  LogDamage(std::string name, std::shared_ptr<DamageReports> reports)
      : name_(std::move(name)), reports_(std::move(reports)) {}
  ~LogDamage();
  LogDamage(const LogDamage&) = delete;
  LogDamage& operator=(const LogDamage&) = delete;

  // Says it in the log, counts it, and marks the log as damaged until the segment that starts at `segment` has gone. `what` names
  // the file, the position, the offset and what is wrong.
  void found_batch(FoundBy by, Offset segment, const std::string& what);
  // Of an index: the log is not marked.
  void found_index_entry(FoundBy by, Offset segment, const std::string& what);
  // The segments that start in [first, end) have gone, or others have taken their place.
  void forget(Offset first, Offset end);

  // Batches of it are known to be damaged: another replica should lead, and this one be made anew from it.
  [[nodiscard]] bool damaged() const;

 private:
  struct Finding {
    Offset segment;
    FoundBy by;
    std::string what;

    friend auto operator<=>(const Finding&, const Finding&) = default;
  };
  // How many there are with it; nullopt: it is known, or one too many.
  static std::optional<std::size_t> add(std::set<Finding>& findings, Finding finding);
  void say(std::size_t number, std::string_view what_is_damaged, FoundBy by, const std::string& what) const;

  const std::string name_;
  const std::shared_ptr<DamageReports> reports_;
  mutable std::mutex mutex_;
  std::set<Finding> batches_;
  std::set<Finding> index_entries_;
  std::set<Offset> damaged_segments_;  // with such batches, be they in batches_ or not
};

}  // namespace millrace::log
