// What the journal of a log directory does, as metrics show it. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "broker/base/clock.h"
#include "broker/base/metrics.h"

namespace millrace::log {

class JournalMetrics {
 public:
  JournalMetrics(MetricsRegistry& registry, const std::string& directory);

  void group_written(std::size_t records, std::uint64_t bytes, Duration took);
  void show_files_in_use(std::size_t files) { files_in_use_.set(static_cast<double>(files)); }
  void waits_for_space() { waits_.add(); }
  void unusable() { unusable_.add(); }

 private:
  MetricsRegistry::Counter groups_;
  MetricsRegistry::Counter records_;
  MetricsRegistry::Counter bytes_;
  MetricsRegistry::Counter waits_;
  MetricsRegistry::Counter unusable_;
  MetricsRegistry::Histogram group_records_;
  MetricsRegistry::Histogram group_bytes_;
  MetricsRegistry::Histogram seconds_;
  MetricsRegistry::Gauge files_in_use_;
};

}  // namespace millrace::log
