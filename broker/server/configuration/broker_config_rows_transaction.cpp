// Rows of transactions and producers (Kafka 3.9: KafkaConfig.configDef).
#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/config_row_builder.h"

namespace millrace::server {
namespace {

constexpr ConfigRow rows[] = {
    int32_row("transaction.max.timeout.ms", "900000", "Longest transaction timeout that a producer may ask for.")
        .at_least(1)
        .effective(),
    int32_row("transaction.state.log.num.partitions", "50",
              "Partitions of __transaction_state. Must not change once the topic exists.")
        .at_least(1)
        .effective(),
    int16_row("transaction.state.log.replication.factor", "3",
              "Replicas of __transaction_state. The topic is not created before that many brokers are there.")
        .at_least(1)
        .effective(),
    int32_row("transaction.state.log.min.isr", "2", "min.insync.replicas of __transaction_state.")
        .at_least(1)
        .effective(),
    int32_row("transaction.state.log.segment.bytes", "104857600", "Segment size of __transaction_state.")
        .at_least(1)
        .effective(),
    int32_row("transaction.state.log.load.buffer.size", "5242880",
              "Bytes read at a time when a coordinator loads its partition of __transaction_state.")
        .at_least(1)
        .effective(),
    int32_row("transaction.abort.timed.out.transaction.cleanup.interval.ms", "10000",
              "Time between two looks for transactions that timed out.")
        .at_least(1)
        .effective(),
    int32_row("transaction.remove.expired.transaction.cleanup.interval.ms", "3600000",
              "Time between two looks for transactional ids that expired.")
        .at_least(1)
        .effective(),
    boolean_row("transaction.partition.verification.enable", "true",
                "Whether a partition asks the coordinator that a transaction is open before it takes the "
                "transaction's first records.")
        .cluster_wide()
        .effective(),
    int32_row("transactional.id.expiration.ms", "604800000",
              "Time without a transaction after which a transactional id is forgotten.")
        .at_least(1)
        .effective(),
    int32_row("producer.id.expiration.ms", "86400000",
              "Time without a record after which a partition forgets a producer id and its sequence numbers.")
        .at_least(1)
        .cluster_wide()
        .applied_at_start()
        .effective(),
    int32_row("producer.id.expiration.check.interval.ms", "600000",
              "Time between two looks for producer ids that expired.")
        .at_least(1)
        .internal(),
};

}  // namespace

std::span<const ConfigRow> transaction_config_rows() { return rows; }

}  // namespace millrace::server
