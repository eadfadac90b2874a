// Rows of remote storage, which Millrace has not (Kafka 3.9: KafkaConfig.configDef).
#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/config_checks.h"
#include "broker/server/configuration/config_row_builder.h"

namespace millrace::server {
namespace {

constexpr ConfigRow rows[] = {
    boolean_row("remote.log.storage.system.enable", "false",
                "Whether the broker can move old segments to remote storage. Not offered: true is refused by the "
                "start.")
        .not_applicable(),
    string_row("remote.log.storage.manager.class.name", no_default, "Java class that stores segments remotely.")
        .checked_by(non_empty_text)
        .not_applicable(),
    string_row("remote.log.storage.manager.class.path", no_default, "Where that class is found.").not_applicable(),
    string_row("remote.log.storage.manager.impl.prefix", "rsm.config.",
               "Prefix of the keys that are handed to that class.")
        .checked_by(non_empty_text)
        .not_applicable(),
    string_row("remote.log.metadata.manager.class.name",
               "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager",
               "Java class that remembers which segments are stored remotely.")
        .checked_by(non_empty_text)
        .not_applicable(),
    string_row("remote.log.metadata.manager.class.path", no_default, "Where that class is found.").not_applicable(),
    string_row("remote.log.metadata.manager.impl.prefix", "rlmm.config.",
               "Prefix of the keys that are handed to that class.")
        .checked_by(non_empty_text)
        .not_applicable(),
    string_row("remote.log.metadata.manager.listener.name", no_default, "Listener that that class connects to.")
        .checked_by(non_empty_text)
        .not_applicable(),
    int32_row("remote.log.metadata.custom.metadata.max.bytes", "128", "Largest custom data of a remote segment.")
        .at_least(0)
        .not_applicable(),
    int64_row("remote.log.index.file.cache.total.size.bytes", "1073741824",
              "Bytes of remote indexes kept on the broker's own disk.")
        .at_least(1)
        .cluster_wide()
        .not_applicable(),
    int32_row("remote.log.manager.thread.pool.size", "10", "Threads that copy, find and expire remote segments.")
        .at_least(1)
        .not_applicable(),
    int32_row("remote.log.manager.copier.thread.pool.size", "-1",
              "Threads that copy segments; -1 takes remote.log.manager.thread.pool.size.")
        .not_applicable(),
    int32_row("remote.log.manager.expiration.thread.pool.size", "-1",
              "Threads that expire remote segments; -1 takes remote.log.manager.thread.pool.size.")
        .not_applicable(),
    int64_row("remote.log.manager.task.interval.ms", "30000", "Time between two runs of copying and expiring.")
        .at_least(1)
        .not_applicable(),
    int64_row("remote.log.manager.task.retry.backoff.ms", "500", "Wait after the first failed run.")
        .at_least(1)
        .internal()
        .not_applicable(),
    int64_row("remote.log.manager.task.retry.backoff.max.ms", "30000", "Longest wait between failed runs.")
        .at_least(1)
        .internal()
        .not_applicable(),
    float64_row("remote.log.manager.task.retry.jitter", "0.2", "Random share added to that wait.")
        .between(0, 0.5)
        .internal()
        .not_applicable(),
    int64_row("remote.log.manager.copy.max.bytes.per.second", "9223372036854775807", "Most bytes copied per second.")
        .at_least(1)
        .cluster_wide()
        .not_applicable(),
    int32_row("remote.log.manager.copy.quota.window.num", "11", "Samples over which copying is measured.")
        .at_least(1)
        .not_applicable(),
    int32_row("remote.log.manager.copy.quota.window.size.seconds", "1", "Length of one sample of copying.")
        .at_least(1)
        .not_applicable(),
    int64_row("remote.log.manager.fetch.max.bytes.per.second", "9223372036854775807", "Most bytes fetched per second.")
        .at_least(1)
        .cluster_wide()
        .not_applicable(),
    int32_row("remote.log.manager.fetch.quota.window.num", "11", "Samples over which fetching is measured.")
        .at_least(1)
        .not_applicable(),
    int32_row("remote.log.manager.fetch.quota.window.size.seconds", "1", "Length of one sample of fetching.")
        .at_least(1)
        .not_applicable(),
    int32_row("remote.log.reader.threads", "10", "Threads that read from remote storage.").at_least(1).not_applicable(),
    int32_row("remote.log.reader.max.pending.tasks", "100", "Reads from remote storage that may wait.")
        .at_least(1)
        .not_applicable(),
    int32_row("remote.fetch.max.wait.ms", "500", "Longest wait of a fetch for remote storage.")
        .at_least(1)
        .cluster_wide()
        .not_applicable(),
};

}  // namespace

std::span<const ConfigRow> remote_config_rows() { return rows; }

}  // namespace millrace::server
