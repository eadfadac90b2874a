// Rows of groups and committed offsets (Kafka 3.9: KafkaConfig.configDef).
#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/config_checks.h"
#include "broker/server/configuration/config_row_builder.h"

namespace millrace::server {
namespace {

constexpr ConfigRow rows[] = {
    int32_row("group.min.session.timeout.ms", "6000",
              "Shortest session timeout that a member of a classic group may ask for.")
        .effective(),
    int32_row("group.max.session.timeout.ms", "1800000",
              "Longest session timeout that a member of a classic group may ask for.")
        .effective(),
    int32_row("group.initial.rebalance.delay.ms", "3000",
              "Wait for more members before the first rebalance of an empty group.")
        .effective(),
    int32_row("group.max.size", "2147483647", "Most members of one classic group.").at_least(1).effective(),
    int32_row("group.coordinator.threads", "1",
              "Threads of Kafka's new group coordinator. Groups belong to shards here.")
        .at_least(1)
        .not_applicable(),
    int32_row("group.coordinator.append.linger.ms", "10",
              "Time for which writes of the group coordinator are gathered into one batch.")
        .at_least(0),
    list_row(
        "group.coordinator.rebalance.protocols", "classic,consumer",
        "Group protocols that are offered; consumer is that of KIP-848. Kafka 3.9 with ZooKeeper offers classic alone.")
        .one_of(group_protocols)
        .effective(),
    boolean_row("group.coordinator.new.enable", "false", "Which of Kafka's two group coordinators runs.")
        .internal()
        .not_applicable(),
    int32_row("group.consumer.session.timeout.ms", "45000",
              "Session timeout of members of the new consumer groups (KIP-848).")
        .at_least(1)
        .effective(),
    int32_row("group.consumer.min.session.timeout.ms", "45000", "Shortest session timeout of a new consumer group.")
        .at_least(1)
        .effective(),
    int32_row("group.consumer.max.session.timeout.ms", "60000", "Longest session timeout of a new consumer group.")
        .at_least(1)
        .effective(),
    int32_row("group.consumer.heartbeat.interval.ms", "5000",
              "Heartbeat interval of members of the new consumer groups.")
        .at_least(1)
        .effective(),
    int32_row("group.consumer.min.heartbeat.interval.ms", "5000",
              "Shortest heartbeat interval of a new consumer group.")
        .at_least(1)
        .effective(),
    int32_row("group.consumer.max.heartbeat.interval.ms", "15000",
              "Longest heartbeat interval of a new consumer group.")
        .at_least(1)
        .effective(),
    int32_row("group.consumer.max.size", "2147483647", "Most members of one new consumer group.")
        .at_least(1)
        .effective(),
    list_row("group.consumer.assignors",
             "org.apache.kafka.coordinator.group.assignor.UniformAssignor,org.apache.kafka.coordinator.group.assignor."
             "RangeAssignor",
             "Assignors that the broker offers to new consumer groups, by Kafka's class names or as uniform and range; "
             "the first one is the default.")
        .checked_by(consumer_group_assignors)
        .effective(),
    string_row("group.consumer.migration.policy", "bidirectional",
               "Which way a group may change between the classic and the new protocol while it has members: disabled, "
               "upgrade, downgrade, bidirectional. Kafka 3.9, which has the classic one alone, says disabled.")
        .checked_by(migration_policy)
        .internal()
        .effective(),
    boolean_row("group.share.enable", "false", "Whether share groups are offered.").internal().not_applicable(),
    int32_row("group.share.delivery.count.limit", "5",
              "Deliveries of one record in a share group before it is given up.")
        .between(2, 10)
        .not_applicable(),
    int32_row("group.share.heartbeat.interval.ms", "5000", "Heartbeat interval of members of share groups.")
        .at_least(1)
        .not_applicable(),
    int32_row("group.share.min.heartbeat.interval.ms", "5000", "Shortest heartbeat interval of a share group.")
        .at_least(1)
        .not_applicable(),
    int32_row("group.share.max.heartbeat.interval.ms", "15000", "Longest heartbeat interval of a share group.")
        .at_least(1)
        .not_applicable(),
    int32_row("group.share.session.timeout.ms", "45000", "Session timeout of members of share groups.")
        .at_least(1)
        .not_applicable(),
    int32_row("group.share.min.session.timeout.ms", "45000", "Shortest session timeout of a share group.")
        .at_least(1)
        .not_applicable(),
    int32_row("group.share.max.session.timeout.ms", "60000", "Longest session timeout of a share group.")
        .at_least(1)
        .not_applicable(),
    int16_row("group.share.max.groups", "10", "Most share groups.").between(1, 100).not_applicable(),
    int16_row("group.share.max.size", "200", "Most members of one share group.").between(10, 1000).not_applicable(),
    int32_row("group.share.record.lock.duration.ms", "30000",
              "Time for which a record handed to a member of a share group is locked.")
        .between(1000, 60000)
        .not_applicable(),
    int32_row("group.share.min.record.lock.duration.ms", "15000", "Shortest lock of a record in a share group.")
        .between(1000, 30000)
        .not_applicable(),
    int32_row("group.share.max.record.lock.duration.ms", "60000", "Longest lock of a record in a share group.")
        .between(30000, 3600000)
        .not_applicable(),
    int32_row("group.share.partition.max.record.locks", "200", "Most locked records of one partition in a share group.")
        .between(100, 10000)
        .not_applicable(),
    int32_row("offsets.topic.num.partitions", "50",
              "Partitions of __consumer_offsets. Must not change once the topic exists.")
        .at_least(1)
        .effective(),
    int16_row("offsets.topic.replication.factor", "3",
              "Replicas of __consumer_offsets. The topic is not created before that many brokers are there.")
        .at_least(1)
        .effective(),
    int32_row("offsets.topic.segment.bytes", "104857600", "Segment size of __consumer_offsets.")
        .at_least(1)
        .effective(),
    int32_row("offsets.topic.compression.codec", "0",
              "Codec of __consumer_offsets by number: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.")
        .between(0, 4)
        .effective(),
    int32_row("offsets.retention.minutes", "10080",
              "Time for which committed offsets are kept after the group became empty, or after the commit where "
              "there is no group.")
        .at_least(1)
        .effective(),
    int64_row("offsets.retention.check.interval.ms", "600000",
              "Time between two looks for offsets that are due to be dropped.")
        .at_least(1)
        .effective(),
    int32_row("offsets.load.buffer.size", "5242880",
              "Bytes read at a time when a coordinator loads its partition of __consumer_offsets.")
        .at_least(1)
        .effective(),
    int32_row("offsets.commit.timeout.ms", "5000", "Longest wait for the replicas of an offset commit.")
        .at_least(1)
        .effective(),
    int16_row("offsets.commit.required.acks", "-1",
              "Acknowledgements that an offset commit waits for; -1 is all in-sync replicas."),
    int32_row("offset.metadata.max.bytes", "4096", "Longest text that may be committed with an offset.").effective(),
};

}  // namespace

std::span<const ConfigRow> group_config_rows() { return rows; }

}  // namespace millrace::server
