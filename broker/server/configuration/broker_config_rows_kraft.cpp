// Rows of KRaft, which Millrace has not (Kafka 3.9: KafkaConfig.configDef).
#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/config_row_builder.h"

namespace millrace::server {
namespace {

constexpr ConfigRow rows[] = {
    int32_row("broker.heartbeat.interval.ms", "2000", "Time between heartbeats to a KRaft controller.")
        .not_applicable(),
    int32_row("broker.session.timeout.ms", "9000",
              "Time without a heartbeat after which a KRaft controller fences a broker.")
        .not_applicable(),
    int32_row("initial.broker.registration.timeout.ms", "60000",
              "Time that the first registration with a KRaft controller may take.")
        .not_applicable(),
    string_row("controller.listener.names", no_default, "Listeners of KRaft controllers.").not_applicable(),
    list_row("controller.quorum.voters", "", "Voters of a KRaft quorum.").not_applicable(),
    list_row("controller.quorum.bootstrap.servers", "", "Addresses at which a KRaft quorum is found.").not_applicable(),
    int32_row("controller.quorum.append.linger.ms", "25", "Time for which a KRaft leader gathers writes.")
        .not_applicable(),
    int32_row("controller.quorum.election.timeout.ms", "1000",
              "Time without a KRaft leader after which an election begins.")
        .not_applicable(),
    int32_row("controller.quorum.election.backoff.max.ms", "1000", "Longest wait between KRaft elections.")
        .not_applicable(),
    int32_row("controller.quorum.fetch.timeout.ms", "2000",
              "Time without a fetch after which a KRaft leader or voter gives up.")
        .not_applicable(),
    int32_row("controller.quorum.request.timeout.ms", "2000", "Time that a request of a KRaft voter may take.")
        .not_applicable(),
    int32_row("controller.quorum.retry.backoff.ms", "20", "Wait after a failed request of a KRaft voter.")
        .not_applicable(),
    string_row("metadata.log.dir", no_default, "Directory of the KRaft metadata log.").not_applicable(),
    int32_row("metadata.log.segment.bytes", "1073741824", "Segment size of the KRaft metadata log.")
        .at_least(12)
        .not_applicable(),
    int32_row("metadata.log.segment.min.bytes", "8388608", "Smallest segment size of the KRaft metadata log.")
        .at_least(12)
        .internal()
        .not_applicable(),
    int64_row("metadata.log.segment.ms", "604800000", "Age at which a segment of the KRaft metadata log is closed.")
        .not_applicable(),
    int64_row("metadata.log.max.record.bytes.between.snapshots", "20971520",
              "Bytes of the KRaft metadata log between two snapshots.")
        .at_least(1)
        .not_applicable(),
    int64_row("metadata.log.max.snapshot.interval.ms", "3600000",
              "Time between two snapshots of the KRaft metadata log.")
        .at_least(0)
        .not_applicable(),
    int32_row("metadata.max.idle.interval.ms", "500", "Time between empty records in the KRaft metadata log.")
        .at_least(0)
        .not_applicable(),
    int64_row("metadata.max.retention.bytes", "104857600", "Bytes of the KRaft metadata log that are kept.")
        .not_applicable(),
    int64_row("metadata.max.retention.ms", "604800000", "Age of the KRaft metadata log that is kept.").not_applicable(),
};

}  // namespace

std::span<const ConfigRow> kraft_config_rows() { return rows; }

}  // namespace millrace::server
