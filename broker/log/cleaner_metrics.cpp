#include "broker/log/cleaner_metrics.h"

#include <chrono>

namespace millrace::log {
namespace {

MetricsRegistry::Counter passes(MetricsRegistry& registry, std::string outcome) {
  return registry.counter("millrace_cleaner_passes_total", "Passes of compaction over a log",
                          {{"outcome", std::move(outcome)}});
}

}  // namespace

CleanerMetrics::CleanerMetrics(MetricsRegistry& registry, const std::vector<std::string>& directories)
    : finished_(passes(registry, "finished")),
      aborted_(passes(registry, "aborted")),
      failed_(passes(registry, "failed")),
      read_bytes_(registry.counter("millrace_cleaner_read_bytes_total", "Bytes that finished passes have read")),
      written_bytes_(registry.counter("millrace_cleaner_written_bytes_total", "Bytes that finished passes have kept")),
      seconds_(registry.histogram("millrace_cleaner_pass_seconds", "How long a finished pass took",
                                  {0.01, 0.1, 1, 10, 60, 600, 3600})),
      map_utilization_(registry.gauge("millrace_cleaner_key_map_utilization",
                                      "How full the last pass's table of keys was, from 0 to 1")),
      dirty_ratio_(registry.gauge("millrace_cleaner_largest_dirty_ratio",
                                  "Share of bytes that are not compacted in the log that has most of them")),
      overdue_seconds_(registry.gauge("millrace_cleaner_compaction_delay_seconds",
                                      "Longest time since a log should have been compacted by max.compaction.lag.ms")),
      last_look_(registry.gauge("millrace_cleaner_last_look_timestamp_seconds",
                                "When the cleaner last looked for a log to compact")) {
  for (const auto& path : directories) {
    const MetricLabels labels{{"directory", path}};
    uncleanable_.emplace(path,
                         Gauges{registry.gauge("millrace_cleaner_uncleanable_partitions",
                                               "Logs that are left alone because their compaction failed", labels),
                                registry.gauge("millrace_cleaner_uncleanable_bytes",
                                               "Bytes of these logs that compaction would go through", labels)});
  }
}

void CleanerMetrics::looked(TimestampMs now, double dirty_ratio, std::int64_t overdue_ms) {
  last_look_.set(static_cast<double>(now.value()) / 1000);
  dirty_ratio_.set(dirty_ratio);
  overdue_seconds_.set(static_cast<double>(overdue_ms) / 1000);
}

void CleanerMetrics::show_uncleanable(const std::map<std::string, Uncleanable>& by_directory) {
  for (auto& [path, gauges] : uncleanable_) {
    const auto at = by_directory.find(path);
    const auto shown = at == by_directory.end() ? Uncleanable{} : at->second;
    gauges.partitions.set(static_cast<double>(shown.partitions));
    gauges.bytes.set(static_cast<double>(shown.bytes));
  }
}

void CleanerMetrics::pass_finished(const CompactionStatistics& done, Duration took) {
  finished_.add();
  read_bytes_.add(static_cast<double>(done.mapped_bytes + done.read_bytes));
  written_bytes_.add(static_cast<double>(done.written_bytes));
  seconds_.observe(std::chrono::duration<double>(took).count());
  map_utilization_.set(done.map_utilization);
}

}  // namespace millrace::log
