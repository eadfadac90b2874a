// What the log cleaner does, as metrics show it (Kafka: uncleanable-partitions-count, uncleanable-bytes,
// max-dirty-percent, max-compaction-delay-secs, max-buffer-utilization-percent, max-clean-time-secs,
// cleaner-recopy-percent, time-since-last-run-ms). Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/metrics.h"
#include "broker/base/types.h"
#include "broker/log/compaction.h"

namespace millrace::log {

class CleanerMetrics {
 public:
  // A directory's logs that are not compacted any more, and what compaction could go through in them.
  struct Uncleanable {
    std::uint64_t partitions = 0;
    std::uint64_t bytes = 0;
  };

  CleanerMetrics(MetricsRegistry& registry, const std::vector<std::string>& directories);

  // A look at all logs: the largest share of dirty bytes, and the longest time by which one of them is overdue.
  void looked(TimestampMs now, double dirty_ratio, std::int64_t overdue_ms);
  void show_uncleanable(const std::map<std::string, Uncleanable>& by_directory);
  void pass_finished(const CompactionStatistics& done, Duration took);
  void pass_aborted() { aborted_.add(); }
  void pass_failed() { failed_.add(); }

 private:
  struct Gauges {
    MetricsRegistry::Gauge partitions;
    MetricsRegistry::Gauge bytes;
  };

  MetricsRegistry::Counter finished_;
  MetricsRegistry::Counter aborted_;
  MetricsRegistry::Counter failed_;
  MetricsRegistry::Counter read_bytes_;
  MetricsRegistry::Counter written_bytes_;
  MetricsRegistry::Histogram seconds_;
  MetricsRegistry::Gauge map_utilization_;
  MetricsRegistry::Gauge dirty_ratio_;
  MetricsRegistry::Gauge overdue_seconds_;
  MetricsRegistry::Gauge last_look_;
  std::map<std::string, Gauges> uncleanable_;  // by directory
};

}  // namespace millrace::log
