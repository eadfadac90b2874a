// Rows of compaction (Kafka 3.9: KafkaConfig.configDef).
#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/config_row_builder.h"

namespace millrace::server {
namespace {

constexpr ConfigRow rows[] = {
    boolean_row("log.cleaner.enable", "true",
                "Whether compacted topics are cleaned. Without it they grow for ever, __consumer_offsets among them.")
        .effective(),
    int32_row("log.cleaner.threads", "1", "Partitions that are cleaned at the same time.")
        .at_least(0)
        .cluster_wide()
        .effective(),
    int64_row("log.cleaner.backoff.ms", "15000", "Wait of the cleaner when it found nothing to do.")
        .at_least(0)
        .cluster_wide()
        .effective(),
    int64_row("log.cleaner.dedupe.buffer.size", "134217728",
              "Memory for the table of keys over all cleaner threads. It decides how much one pass can clean.")
        .cluster_wide()
        .effective(),
    int32_row("log.cleaner.io.buffer.size", "524288", "Memory for read and write buffers over all cleaner threads.")
        .at_least(0)
        .cluster_wide()
        .effective(),
    float64_row("log.cleaner.io.buffer.load.factor", "0.9",
                "How full the table of keys may get. Fuller cleans more in one pass with more collisions.")
        .cluster_wide()
        .effective(),
    float64_row("log.cleaner.io.max.bytes.per.second", "1.7976931348623157E308",
                "Most bytes that the cleaner reads and writes per second, taken together.")
        .cluster_wide()
        .effective(),
    float64_row("log.cleaner.min.cleanable.ratio", "0.5", "Default of the topic key min.cleanable.dirty.ratio.")
        .between(0, 1)
        .cluster_wide()
        .effective(),
    int64_row("log.cleaner.min.compaction.lag.ms", "0", "Default of the topic key min.compaction.lag.ms.")
        .at_least(0)
        .cluster_wide()
        .effective(),
    int64_row("log.cleaner.max.compaction.lag.ms", "9223372036854775807",
              "Default of the topic key max.compaction.lag.ms.")
        .at_least(1)
        .cluster_wide()
        .effective(),
    int64_row("log.cleaner.delete.retention.ms", "86400000", "Default of the topic key delete.retention.ms.")
        .at_least(0)
        .cluster_wide()
        .effective(),
};

}  // namespace

std::span<const ConfigRow> cleaner_config_rows() { return rows; }

}  // namespace millrace::server
