#include "broker/log/directory_metrics.h"

namespace millrace::log {

DirectoryMetrics::DirectoryMetrics(MetricsRegistry& registry, const std::vector<DirectoryState>& directories)
    : offline_count_(registry.gauge("millrace_offline_log_directories", "Log directories whose disk has failed")) {
  for (const auto& directory : directories) {
    const MetricLabels labels{{"directory", directory.path}};
    directories_.push_back(
        {registry.gauge("millrace_log_directory_offline", "1 when the disk of this log directory has failed", labels),
         registry.gauge("millrace_logs_to_recover", "Logs that the start has yet to load", labels),
         registry.gauge("millrace_segments_to_recover", "Segments that the start has yet to recover, as far as known",
                        labels)});
  }
}

void DirectoryMetrics::show(std::size_t directory, const DirectoryState& state) {
  auto& gauges = directories_[directory];
  gauges.offline.set(state.offline ? 1 : 0);
  gauges.logs_to_recover.set(state.offline ? 0 : state.logs_total - state.logs_loaded);
  gauges.segments_to_recover.set(state.offline ? 0 : state.segments_total - state.segments_recovered);
}

void DirectoryMetrics::show_offline_count(std::size_t count) { offline_count_.set(static_cast<double>(count)); }

}  // namespace millrace::log
