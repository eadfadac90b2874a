// Rows of storage (Kafka 3.9: KafkaConfig.configDef).
#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/config_checks.h"
#include "broker/server/configuration/config_row_builder.h"

namespace millrace::server {
namespace {

constexpr ConfigRow rows[] = {
    string_row("log.dirs", no_default,
               "Directories that partitions are stored in, with commas between them. Empty takes log.dir.")
        .effective(),
    string_row("log.dir", "/tmp/kafka-logs", "Directory that partitions are stored in when log.dirs is empty.")
        .effective(),
    int64_row("log.dir.failure.timeout.ms", "30000",
              "Time within which a failed log directory must have been reported to a KRaft controller.")
        .at_least(1)
        .not_applicable(),
    int32_row("num.recovery.threads.per.data.dir", "1",
              "Partitions of one log directory that are recovered or closed at the same time.")
        .at_least(1)
        .cluster_wide()
        .applied_at_start()
        .effective(),
    int32_row("log.segment.bytes", "1073741824", "Default of the topic key segment.bytes.")
        .at_least(14)
        .cluster_wide()
        .effective(),
    int64_row("log.roll.ms", no_default, "Default of the topic key segment.ms. Empty takes log.roll.hours.")
        .cluster_wide()
        .effective(),
    int32_row("log.roll.hours", "168", "Age in hours at which a segment is closed; log.roll.ms hides it.")
        .at_least(1)
        .effective(),
    int64_row("log.roll.jitter.ms", no_default,
              "Default of the topic key segment.jitter.ms. Empty takes log.roll.jitter.hours.")
        .cluster_wide()
        .effective(),
    int32_row("log.roll.jitter.hours", "0",
              "Random time in hours taken off a segment's age of closing; log.roll.jitter.ms hides it.")
        .at_least(0)
        .effective(),
    int32_row("log.index.size.max.bytes", "10485760", "Default of the topic key segment.index.bytes.")
        .at_least(4)
        .cluster_wide()
        .effective(),
    int32_row("log.index.interval.bytes", "4096", "Default of the topic key index.interval.bytes.")
        .at_least(0)
        .cluster_wide()
        .effective(),
    boolean_row("log.preallocate", "false", "Default of the topic key preallocate.").cluster_wide().effective(),
    int64_row("log.flush.interval.messages", "9223372036854775807", "Default of the topic key flush.messages.")
        .at_least(1)
        .cluster_wide()
        .effective(),
    int64_row("log.flush.interval.ms", no_default,
              "Default of the topic key flush.ms. Empty takes log.flush.scheduler.interval.ms.")
        .cluster_wide()
        .effective(),
    int64_row("log.flush.scheduler.interval.ms", "9223372036854775807",
              "Time between two looks for logs that are due to be synced; also flush.ms where log.flush.interval.ms "
              "is empty. Not set: millrace.log.housekeeping.interval.ms.")
        .effective(),
    int32_row("log.flush.offset.checkpoint.interval.ms", "60000",
              "Time between two writes of the file that says up to where each log is known to be synced.")
        .at_least(0)
        .effective(),
    int32_row("log.flush.start.offset.checkpoint.interval.ms", "60000",
              "Time between two writes of the file that says where each log begins.")
        .at_least(0)
        .effective(),
    int64_row("log.initial.task.delay.ms", "30000",
              "Wait after the start before the first retention, sync and checkpoint run.")
        .at_least(0)
        .internal()
        .effective(),
    int64_row("log.retention.bytes", "-1", "Default of the topic key retention.bytes.").cluster_wide().effective(),
    int64_row("log.local.retention.bytes", "-2", "Default of the topic key local.retention.bytes.")
        .at_least(-2)
        .cluster_wide()
        .not_applicable(),
    int64_row("log.local.retention.ms", "-2", "Default of the topic key local.retention.ms.")
        .at_least(-2)
        .cluster_wide()
        .not_applicable(),
    int64_row("log.retention.ms", no_default,
              "Default of the topic key retention.ms. Empty takes log.retention.minutes.")
        .cluster_wide()
        .effective(),
    int32_row("log.retention.minutes", no_default,
              "Age in minutes at which a segment is dropped; log.retention.ms hides it. Empty takes "
              "log.retention.hours.")
        .effective(),
    int32_row("log.retention.hours", "168",
              "Age in hours at which a segment is dropped; log.retention.ms and log.retention.minutes hide it.")
        .effective(),
    int64_row("log.retention.check.interval.ms", "300000",
              "Time between two looks for segments that are due to be dropped.")
        .at_least(1)
        .effective(),
    int64_row("log.segment.delete.delay.ms", "60000", "Default of the topic key file.delete.delay.ms.")
        .at_least(0)
        .cluster_wide()
        .effective(),
    list_row("log.cleanup.policy", "delete", "Default of the topic key cleanup.policy.")
        .one_of(cleanup_policies)
        .cluster_wide()
        .effective(),
    int32_row("message.max.bytes", "1048588",
              "Default of the topic key max.message.bytes: the largest record batch, as stored.")
        .at_least(0)
        .cluster_wide()
        .effective(),
    string_row("log.message.timestamp.type", "CreateTime", "Default of the topic key message.timestamp.type.")
        .one_of(timestamp_types)
        .cluster_wide()
        .effective(),
    int64_row("log.message.timestamp.before.max.ms", "9223372036854775807",
              "Default of the topic key message.timestamp.before.max.ms.")
        .at_least(0)
        .cluster_wide()
        .effective(),
    int64_row("log.message.timestamp.after.max.ms", "9223372036854775807",
              "Default of the topic key message.timestamp.after.max.ms.")
        .at_least(0)
        .cluster_wide()
        .effective(),
    int64_row("log.message.timestamp.difference.max.ms", "9223372036854775807",
              "Default of the topic key message.timestamp.difference.max.ms; the two newer keys hide it.")
        .at_least(0)
        .cluster_wide()
        .effective(),
    string_row("log.message.format.version", "3.0-IV1",
               "Default of the topic key message.format.version. Record batches are always stored in format 2.")
        .checked_by(kafka_version)
        .not_applicable(),
    boolean_row("log.message.downconversion.enable", "true", "Default of the topic key message.downconversion.enable.")
        .cluster_wide()
        .effective(),
    string_row("compression.type", "producer", "Default of the topic key compression.type.")
        .one_of(compression_types)
        .cluster_wide()
        .effective(),
    int32_row("compression.gzip.level", "-1", "Default of the topic key compression.gzip.level.")
        .checked_by(gzip_level)
        .cluster_wide()
        .effective(),
    int32_row("compression.lz4.level", "9", "Default of the topic key compression.lz4.level.")
        .between(1, 17)
        .cluster_wide()
        .effective(),
    int32_row("compression.zstd.level", "3", "Default of the topic key compression.zstd.level.")
        .between(-131072, 22)
        .cluster_wide()
        .effective(),
};

}  // namespace

std::span<const ConfigRow> log_config_rows() { return rows; }

}  // namespace millrace::server
