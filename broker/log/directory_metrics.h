// The log directories as metrics show them (Kafka: OfflineLogDirectoryCount, LogDirectoryOffline,
// remainingLogsToRecover, remainingSegmentsToRecover). Any thread.
#pragma once

#include <cstddef>
#include <vector>

#include "broker/base/metrics.h"
#include "broker/log/directory_state.h"

namespace millrace::log {

class DirectoryMetrics {
 public:
  DirectoryMetrics(MetricsRegistry& registry, const std::vector<DirectoryState>& directories);

  void show(std::size_t directory, const DirectoryState& state);
  void show_offline_count(std::size_t count);

 private:
  struct Gauges {
    MetricsRegistry::Gauge offline;
    MetricsRegistry::Gauge logs_to_recover;
    MetricsRegistry::Gauge segments_to_recover;
  };

  MetricsRegistry::Gauge offline_count_;
  std::vector<Gauges> directories_;
};

}  // namespace millrace::log
