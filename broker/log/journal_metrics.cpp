#include "broker/log/journal_metrics.h"

#include <chrono>

namespace millrace::log {
namespace {

MetricLabels labels_of(const std::string& directory) { return {{"directory", directory}}; }

}  // namespace

JournalMetrics::JournalMetrics(MetricsRegistry& registry, const std::string& directory)
    : groups_(registry.counter("millrace_journal_groups_total", "Groups of appends that were written and synced",
                               labels_of(directory))),
      records_(registry.counter("millrace_journal_appends_total", "Appends in these groups", labels_of(directory))),
      bytes_(registry.counter("millrace_journal_bytes_total", "Bytes of these groups", labels_of(directory))),
      waits_(registry.counter("millrace_journal_full_total",
                              "How often appends had to wait because segments were not synced yet",
                              labels_of(directory))),
      unusable_(registry.counter("millrace_journal_unusable_total",
                                 "How often the journal could not be made, and logs were synced one by one",
                                 labels_of(directory))),
      group_records_(registry.histogram("millrace_journal_group_appends", "Appends in a group",
                                        {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}, labels_of(directory))),
      group_bytes_(registry.histogram("millrace_journal_group_bytes", "Bytes in a group",
                                      {4096, 16384, 65536, 262144, 1048576, 4194304, 16777216}, labels_of(directory))),
      seconds_(registry.histogram("millrace_journal_sync_seconds", "How long a group's write and sync took",
                                  {0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3}, labels_of(directory))),
      files_in_use_(registry.gauge("millrace_journal_files_in_use",
                                   "Files of the journal with records that segments may lack", labels_of(directory))) {}

void JournalMetrics::group_written(std::size_t records, std::uint64_t bytes, Duration took) {
  groups_.add();
  records_.add(static_cast<double>(records));
  bytes_.add(static_cast<double>(bytes));
  group_records_.observe(static_cast<double>(records));
  group_bytes_.observe(static_cast<double>(bytes));
  seconds_.observe(std::chrono::duration<double>(took).count());
}

}  // namespace millrace::log
