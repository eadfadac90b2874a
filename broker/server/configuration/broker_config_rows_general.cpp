// Rows of the broker itself and the defaults of new topics (Kafka 3.9: KafkaConfig.configDef).
#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/config_checks.h"
#include "broker/server/configuration/config_row_builder.h"

namespace millrace::server {
namespace {

constexpr ConfigRow rows[] = {
    int32_row("broker.id", "-1",
              "Number of this broker, unique in its cluster. -1 takes one from the metadata store, above "
              "reserved.broker.max.id.")
        .effective(),
    int32_row("node.id", "-1", "Other name of broker.id; where both are set they must be equal.").effective(),
    boolean_row("broker.id.generation.enable", "true",
                "Whether a broker without a number of its own may be given one by the cluster.")
        .effective(),
    int32_row("reserved.broker.max.id", "1000",
              "Largest number that may be given as broker.id; generated ones lie above it.")
        .at_least(0)
        .effective(),
    string_row("broker.rack", no_default,
               "Rack or zone that the broker stands in. Replicas of a partition are spread over racks, and consumers "
               "may read from their own.")
        .effective(),
    int32_row("num.partitions", "1", "Partitions of a topic that is created without naming a number.")
        .at_least(1)
        .effective(),
    int32_row("default.replication.factor", "1",
              "Replicas of a partition of a topic that is created without naming a number.")
        .effective(),
    boolean_row("auto.create.topics.enable", "true",
                "Whether a topic that does not exist is created when a producer or a consumer asks for its metadata.")
        .effective(),
    boolean_row("delete.topic.enable", "true", "Whether topics may be deleted.").effective(),
    class_row("create.topic.policy.class.name", no_default,
              "Java class that may refuse the creation of a topic. There is no Java here: a value is refused by the "
              "start.")
        .not_applicable(),
    class_row("alter.config.policy.class.name", no_default,
              "Java class that may refuse a change of configuration. There is no Java here: a value is refused by the "
              "start.")
        .not_applicable(),
    boolean_row("alter.config.policy.kraft.compatibility.enable", "false",
                "Detail of how the Java class of alter.config.policy.class.name is called.")
        .not_applicable(),
    int32_row("background.threads", "10",
              "Threads for occasional work. Such work runs on the shards and on the I/O threads.")
        .at_least(1)
        .cluster_wide()
        .not_applicable(),
    int32_row("num.io.threads", "8", "Threads that do what may block: cold reads, syncs, deletes, recovery.")
        .at_least(1)
        .cluster_wide(),
    int32_row("num.network.threads", "3",
              "Threads that read and write sockets. Connections belong to shards here; see millrace.shards.")
        .at_least(1)
        .cluster_wide()
        .not_applicable(),
    string_row("inter.broker.protocol.version", "3.9-IV0",
               "Version that brokers speak among themselves, and the newest feature that they may use.")
        .checked_by(kafka_version),
    list_row("process.roles", "",
             "Roles of a KRaft process. There is no KRaft here: anything but an empty list is refused by the start.")
        .one_of(process_roles)
        .not_applicable(),
    int64_row("server.max.startup.time.ms", "9223372036854775807",
              "Time after which a start that has not finished is given up.")
        .at_least(0)
        .internal()
        .not_applicable(),
    boolean_row("unstable.api.versions.enable", "false", "Whether unfinished versions of requests are offered.")
        .internal()
        .not_applicable(),
    boolean_row("unstable.feature.versions.enable", "false", "Whether unfinished versions of features are offered.")
        .internal()
        .not_applicable(),
};

}  // namespace

std::span<const ConfigRow> general_config_rows() { return rows; }

}  // namespace millrace::server
