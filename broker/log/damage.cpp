#include "broker/log/damage.h"

#include <string_view>

#include "broker/base/logging.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log"};

constexpr std::array<std::string_view, 5> names{"recovery", "scrub", "compaction", "replica", "fetch"};

std::string_view name_of(FoundBy by) { return names[static_cast<std::size_t>(by)]; }

}  // namespace

void DamageReports::show_in(MetricsRegistry& registry) {
  auto& metrics = metrics_.emplace();
  for (std::size_t by = 0; by < finders; ++by) {
    const MetricLabels labels{{"where", std::string(names[by])}};
    metrics.batches[by] = registry.counter("millrace_log_corrupt_batches_total",
                                           "Batches whose bytes are not those that were written", labels);
    metrics.index_entries[by] = registry.counter("millrace_log_corrupt_index_entries_total",
                                                 "Index entries that do not fit the batches of their segment", labels);
  }
  metrics.damaged_logs =
      registry.gauge("millrace_log_damaged_logs", "Logs that are known to have corrupt batches on the disk");
}

void DamageReports::count_batch(FoundBy by) {
  ++batches_[static_cast<std::size_t>(by)];
  if (metrics_) metrics_->batches[static_cast<std::size_t>(by)].add();
}

void DamageReports::count_index_entry(FoundBy by) {
  ++index_entries_[static_cast<std::size_t>(by)];
  if (metrics_) metrics_->index_entries[static_cast<std::size_t>(by)].add();
}

void DamageReports::logs_damaged(int change) {
  damaged_logs_ += change;
  if (metrics_) metrics_->damaged_logs.add(change);
}

LogDamage::~LogDamage() {
  if (!damaged_segments_.empty()) reports_->logs_damaged(-1);
}

std::optional<std::size_t> LogDamage::add(std::set<Finding>& findings, Finding finding) {
  if (findings.size() >= most_findings || !findings.insert(std::move(finding)).second) return std::nullopt;
  return findings.size();
}

void LogDamage::say(std::size_t number, std::string_view what_is_damaged, FoundBy by, const std::string& what) const {
  if (number > most_said) return;
  logger.error(name_ + std::string(what_is_damaged) + ", found by " + std::string(name_of(by)) + ": " + what +
               (number == most_said ? "; what else is found of the kind is counted and not said" : ""));
}

void LogDamage::found_batch(FoundBy by, Offset segment, const std::string& what) {
  std::optional<std::size_t> number;
  {
    const std::lock_guard lock(mutex_);
    if (damaged_segments_.empty()) reports_->logs_damaged(1);
    damaged_segments_.insert(segment);
    number = add(batches_, {segment, by, what});
  }
  if (!number) return;
  reports_->count_batch(by);
  say(*number, " is damaged", by, what);
}

void LogDamage::found_index_entry(FoundBy by, Offset segment, const std::string& what) {
  std::optional<std::size_t> number;
  {
    const std::lock_guard lock(mutex_);
    number = add(index_entries_, {segment, by, what});
  }
  if (!number) return;
  reports_->count_index_entry(by);
  say(*number, " has a damaged index", by, what);
}

void LogDamage::forget(Offset first, Offset end) {
  const std::lock_guard lock(mutex_);
  const bool was_damaged = !damaged_segments_.empty();
  const auto has_gone = [&](const Finding& finding) { return finding.segment >= first && finding.segment < end; };
  std::erase_if(batches_, has_gone);
  std::erase_if(index_entries_, has_gone);
  std::erase_if(damaged_segments_, [&](Offset segment) { return segment >= first && segment < end; });
  if (was_damaged && damaged_segments_.empty()) reports_->logs_damaged(-1);
}

bool LogDamage::damaged() const {
  const std::lock_guard lock(mutex_);
  return !damaged_segments_.empty();
}

}  // namespace millrace::log
