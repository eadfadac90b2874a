// Rows of replication and the controller (Kafka 3.9: KafkaConfig.configDef).
#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/config_row_builder.h"

namespace millrace::server {
namespace {

constexpr ConfigRow rows[] = {
    int32_row("min.insync.replicas", "1", "Default of the topic key min.insync.replicas.")
        .at_least(1)
        .cluster_wide()
        .effective(),
    boolean_row("unclean.leader.election.enable", "false", "Default of the topic key unclean.leader.election.enable.")
        .cluster_wide(),
    int64_row("unclean.leader.election.interval.ms", "300000",
              "Time between two looks of a KRaft controller for partitions that need an unclean election.")
        .at_least(1)
        .internal()
        .not_applicable(),
    int32_row("num.replica.fetchers", "1", "Connections per source broker over which followers fetch.").cluster_wide(),
    int32_row("num.replica.alter.log.dirs.threads", no_default,
              "Replicas that move between log directories at the same time. Empty takes the number of log "
              "directories.")
        .effective(),
    int32_row("replica.fetch.max.bytes", "1048576",
              "Bytes that a follower asks for per partition; a first batch that is larger is sent all the same.")
        .at_least(0),
    int32_row("replica.fetch.min.bytes", "1", "Bytes that a leader should gather before it answers a follower."),
    int32_row("replica.fetch.wait.max.ms", "500",
              "Longest time that a leader may hold a follower's fetch. Must stay below replica.lag.time.max.ms."),
    int32_row("replica.fetch.response.max.bytes", "10485760", "Bytes that a follower asks for in one answer.")
        .at_least(0),
    int32_row("replica.fetch.backoff.ms", "1000", "Wait of a follower after a failed fetch.").at_least(0),
    int64_row("replica.lag.time.max.ms", "30000",
              "Time that a follower may lag behind the end of the leader's log before it leaves the in-sync set."),
    int64_row("replica.high.watermark.checkpoint.interval.ms", "5000",
              "Time between two writes of the high watermarks to disk.")
        .effective(),
    int32_row("replica.socket.timeout.ms", "30000",
              "Time that a follower waits on the network for the leader. At least replica.fetch.wait.max.ms."),
    int32_row("replica.socket.receive.buffer.bytes", "65536",
              "Receive buffer of the sockets over which followers fetch."),
    string_row("replica.selector.class", no_default,
               "How a consumer is given a replica to read from: empty for the leader, or Kafka's "
               "RackAwareReplicaSelector by its class name."),
    boolean_row("auto.leader.rebalance.enable", "true",
                "Whether the controller gives leadership back to preferred replicas from time to time."),
    int64_row("leader.imbalance.check.interval.seconds", "300",
              "Time between two looks at how far leadership is from the preferred replicas.")
        .at_least(1),
    int32_row("leader.imbalance.per.broker.percentage", "10",
              "Share of a broker's preferred partitions led elsewhere above which leadership is given back."),
    int32_row("controller.socket.timeout.ms", "30000", "Time that the controller waits for a broker's answer."),
    boolean_row("controlled.shutdown.enable", "true", "Whether a stopping broker hands its leaderships over first."),
    int32_row("controlled.shutdown.max.retries", "3", "Tries of a hand-over before the broker stops without it."),
    int64_row("controlled.shutdown.retry.backoff.ms", "5000", "Wait between two tries of a hand-over."),
    boolean_row("eligible.leader.replicas.enable", "false",
                "Whether a KRaft controller keeps eligible leader replicas (KIP-966).")
        .not_applicable(),
};

}  // namespace

std::span<const ConfigRow> replication_config_rows() { return rows; }

}  // namespace millrace::server
