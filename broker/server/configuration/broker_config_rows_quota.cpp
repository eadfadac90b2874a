// Rows of quotas and metrics (Kafka 3.9: KafkaConfig.configDef).
#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/config_row_builder.h"

namespace millrace::server {
namespace {

constexpr ConfigRow rows[] = {
    int32_row("quota.window.num", "11", "Samples over which a client's rate is measured.").at_least(1).effective(),
    int32_row("quota.window.size.seconds", "1", "Length of one sample of a client's rate.").at_least(1).effective(),
    int32_row("controller.quota.window.num", "11",
              "Samples over which the rate of topic and partition changes is measured.")
        .at_least(1)
        .effective(),
    int32_row("controller.quota.window.size.seconds", "1",
              "Length of one sample of the rate of topic and partition changes.")
        .at_least(1)
        .effective(),
    int32_row("replication.quota.window.num", "11", "Samples over which throttled replication is measured.")
        .at_least(1),
    int32_row("replication.quota.window.size.seconds", "1", "Length of one sample of throttled replication.")
        .at_least(1),
    int32_row("alter.log.dirs.replication.quota.window.num", "11",
              "Samples over which moves between log directories are measured.")
        .at_least(1),
    int32_row("alter.log.dirs.replication.quota.window.size.seconds", "1",
              "Length of one sample of moves between log directories.")
        .at_least(1),
    class_row("client.quota.callback.class", no_default,
              "Java class that decides on client quotas. There is no Java here: a value is refused by the start.")
        .not_applicable(),
    list_row("metric.reporters", "",
             "Java classes that are given the metrics. Metrics are served as Prometheus text; see millrace.http.port.")
        .cluster_wide()
        .not_applicable(),
    int32_row("metrics.num.samples", "2", "Samples of each metric of Kafka's Java library.")
        .at_least(1)
        .not_applicable(),
    int64_row("metrics.sample.window.ms", "30000", "Length of one sample of each metric of Kafka's Java library.")
        .at_least(1)
        .not_applicable(),
    string_row("metrics.recording.level", "INFO", "Level of detail of the metrics of Kafka's Java library.")
        .not_applicable(),
    boolean_row("auto.include.jmx.reporter", "true", "Whether metrics are always shown over JMX.").not_applicable(),
    list_row("kafka.metrics.reporters", "", "Java classes that are given the older Yammer metrics.").not_applicable(),
    int32_row("kafka.metrics.polling.interval.secs", "10", "Interval of the older Yammer metrics.")
        .at_least(1)
        .not_applicable(),
    int32_row("telemetry.max.bytes", "1048576", "Largest set of client metrics that a client may push.").at_least(1),
};

}  // namespace

std::span<const ConfigRow> quota_config_rows() { return rows; }

}  // namespace millrace::server
