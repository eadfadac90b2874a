#include "broker/server/configuration/topic_config_rows.h"

#include "broker/server/configuration/config_checks.h"
#include "broker/server/configuration/config_row_builder.h"

namespace millrace::server {
namespace {

constexpr ConfigRow rows[] = {
    list_row("cleanup.policy", "delete",
             "What happens to a closed segment that is no longer needed whole: \"delete\" drops it by age and size, "
             "\"compact\" keeps the last record of every key. Both may be given; an empty list keeps everything.")
        .of_topic("log.cleanup.policy")
        .one_of(cleanup_policies)
        .effective(),
    int32_row("compression.gzip.level", "-1",
              "Level of gzip when the broker compresses records itself; -1 is the codec's own default.")
        .of_topic("compression.gzip.level")
        .checked_by(gzip_level)
        .effective(),
    int32_row("compression.lz4.level", "9", "Level of lz4 when the broker compresses records itself.")
        .of_topic("compression.lz4.level")
        .between(1, 17)
        .effective(),
    string_row(
        "compression.type", "producer",
        "Codec of stored batches. \"producer\" stores batches as they arrive; every other value compresses again "
        "what comes with another codec.")
        .of_topic("compression.type")
        .one_of(compression_types)
        .effective(),
    int32_row("compression.zstd.level", "3", "Level of zstd when the broker compresses records itself.")
        .of_topic("compression.zstd.level")
        .between(-131072, 22)
        .effective(),
    int64_row("delete.retention.ms", "86400000",
              "How long a compacted topic keeps a delete marker (a record without a value) after it was cleaned, so "
              "that readers can still see it.")
        .of_topic("log.cleaner.delete.retention.ms")
        .at_least(0)
        .effective(),
    int64_row("file.delete.delay.ms", "60000",
              "Wait between the moment a segment leaves the log and the removal of its files.")
        .of_topic("log.segment.delete.delay.ms")
        .at_least(0)
        .effective(),
    int64_row("flush.messages", "9223372036854775807",
              "Records that may be appended before the log is synced to disk. With 1 every acknowledged record has "
              "been synced.")
        .of_topic("log.flush.interval.messages")
        .at_least(1)
        .effective(),
    int64_row("flush.ms", "9223372036854775807", "Longest time that an appended record stays unsynced.")
        .of_topic("log.flush.interval.ms")
        .at_least(0)
        .effective(),
    list_row("follower.replication.throttled.replicas", "",
             "Follower replicas whose fetching is throttled, as partition:broker pairs, or \"*\" for all of the topic.")
        .of_topic()
        .checked_by(throttled_replicas),
    int32_row("index.interval.bytes", "4096",
              "Bytes of records between two entries of the offset index. Smaller finds a position faster and makes "
              "larger indexes.")
        .of_topic("log.index.interval.bytes")
        .at_least(0)
        .effective(),
    list_row("leader.replication.throttled.replicas", "",
             "Leader replicas whose answers to followers are throttled, as partition:broker pairs, or \"*\" for all of "
             "the topic.")
        .of_topic()
        .checked_by(throttled_replicas),
    int64_row("local.retention.bytes", "-2",
              "Bytes kept on the broker's own disk when older segments are in remote storage; -2 uses "
              "retention.bytes.")
        .of_topic("log.local.retention.bytes")
        .at_least(-2)
        .not_applicable(),
    int64_row("local.retention.ms", "-2",
              "Time kept on the broker's own disk when older segments are in remote storage; -2 uses retention.ms.")
        .of_topic("log.local.retention.ms")
        .at_least(-2)
        .not_applicable(),
    int64_row("max.compaction.lag.ms", "9223372036854775807",
              "Longest time that a record may stay uncompacted in a compacted topic.")
        .of_topic("log.cleaner.max.compaction.lag.ms")
        .at_least(1)
        .effective(),
    int32_row("max.message.bytes", "1048588", "Largest record batch, as stored, that a producer may append.")
        .of_topic("message.max.bytes")
        .at_least(0)
        .effective(),
    boolean_row("message.downconversion.enable", "true",
                "Whether records are converted to an older format for consumers that cannot read the stored one. If "
                "not, their fetch fails with UNSUPPORTED_VERSION.")
        .of_topic("log.message.downconversion.enable")
        .effective(),
    string_row("message.format.version", "3.0-IV1",
               "Format of stored records in old versions. Record batches are always stored in format 2; the value is "
               "kept and reported.")
        .of_topic("log.message.format.version")
        .checked_by(kafka_version)
        .not_applicable(),
    int64_row("message.timestamp.after.max.ms", "9223372036854775807",
              "How far a record's timestamp may lie ahead of the broker's clock. Applies to CreateTime only.")
        .of_topic("log.message.timestamp.after.max.ms")
        .at_least(0)
        .effective(),
    int64_row("message.timestamp.before.max.ms", "9223372036854775807",
              "How far a record's timestamp may lie behind the broker's clock. Applies to CreateTime only.")
        .of_topic("log.message.timestamp.before.max.ms")
        .at_least(0)
        .effective(),
    int64_row("message.timestamp.difference.max.ms", "9223372036854775807",
              "Older key for both message.timestamp.before.max.ms and message.timestamp.after.max.ms; each of these "
              "hides it when it is set.")
        .of_topic("log.message.timestamp.difference.max.ms")
        .at_least(0)
        .effective(),
    string_row("message.timestamp.type", "CreateTime",
               "Whether records carry the time that the producer gave (CreateTime) or the time of the append "
               "(LogAppendTime).")
        .of_topic("log.message.timestamp.type")
        .one_of(timestamp_types)
        .effective(),
    float64_row("min.cleanable.dirty.ratio", "0.5",
                "Share of a compacted log that must be uncleaned before the cleaner takes it up.")
        .of_topic("log.cleaner.min.cleanable.ratio")
        .between(0, 1)
        .effective(),
    int64_row("min.compaction.lag.ms", "0", "Time during which a record is safe from compaction.")
        .of_topic("log.cleaner.min.compaction.lag.ms")
        .at_least(0)
        .effective(),
    int32_row("min.insync.replicas", "1",
              "In-sync replicas that must exist for a produce request with acks=all to be accepted.")
        .of_topic("min.insync.replicas")
        .at_least(1)
        .effective(),
    boolean_row("preallocate", "false", "Whether a new segment's file is given its full size on disk at once.")
        .of_topic("log.preallocate")
        .effective(),
    boolean_row("remote.log.copy.disable", "false",
                "Stops copying to remote storage and makes the topic's remote data read only. Cannot be set without "
                "KRaft.")
        .of_topic()
        .not_applicable(),
    boolean_row("remote.log.delete.on.disable", "false",
                "Removes the topic's remote data when remote storage is switched off for it. Cannot be set without "
                "KRaft.")
        .of_topic()
        .not_applicable(),
    boolean_row("remote.storage.enable", "false",
                "Moves old segments of the topic to remote storage. Refused while the broker has no remote storage.")
        .of_topic()
        .not_applicable(),
    int64_row("retention.bytes", "-1",
              "Bytes of one partition above which its oldest segments are dropped; -1 sets no limit.")
        .of_topic("log.retention.bytes")
        .effective(),
    int64_row("retention.ms", "604800000",
              "Age at which a segment is dropped, counted from its newest record; -1 keeps it for ever.")
        .of_topic("log.retention.ms")
        .at_least(-1)
        .effective(),
    int32_row("segment.bytes", "1073741824", "Size at which a segment file is closed and the next one begun.")
        .of_topic("log.segment.bytes")
        .at_least(14)
        .effective(),
    int32_row("segment.index.bytes", "10485760",
              "Largest size of a segment's offset and time index files; a full index closes the segment.")
        .of_topic("log.index.size.max.bytes")
        .at_least(4)
        .effective(),
    int64_row("segment.jitter.ms", "0",
              "Upper bound of a random time taken off segment.ms, so that segments are not all closed at once.")
        .of_topic("log.roll.jitter.ms")
        .at_least(0)
        .effective(),
    int64_row("segment.ms", "604800000", "Age at which a segment is closed even if it is not full.")
        .of_topic("log.roll.ms")
        .at_least(1)
        .effective(),
    boolean_row("unclean.leader.election.enable", "false",
                "Whether a replica that is not in sync may become leader when no other is left, at the price of lost "
                "records.")
        .of_topic("unclean.leader.election.enable"),
};

}  // namespace

std::span<const ConfigRow> topic_config_rows() { return rows; }

const ConfigTable& topic_config_table() {
  static const ConfigTable table(rows);
  return table;
}

}  // namespace millrace::server
