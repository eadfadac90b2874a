// Rows of ZooKeeper (Kafka 3.9: KafkaConfig.configDef).
#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/config_row_builder.h"

namespace millrace::server {
namespace {

constexpr ConfigRow rows[] = {
    string_row("zookeeper.connect", no_default,
               "Servers of the ensemble as host:port with commas between them, and the path below which the cluster "
               "lives."),
    int32_row("zookeeper.connection.timeout.ms", no_default,
              "Time that the first connection to ZooKeeper may take. Empty takes zookeeper.session.timeout.ms."),
    int32_row("zookeeper.session.timeout.ms", "18000",
              "Time without a heartbeat after which ZooKeeper declares the broker gone."),
    int32_row("zookeeper.max.in.flight.requests", "10",
              "Requests to ZooKeeper that may wait for an answer at one time.")
        .at_least(1),
    boolean_row("zookeeper.set.acl", "false",
                "Whether only the broker's own identity may write the nodes that it makes."),
    boolean_row("zookeeper.metadata.migration.enable", "false", "Whether the cluster is being moved to KRaft.")
        .not_applicable(),
    int32_row("zookeeper.metadata.migration.min.batch.size", "200", "Records per batch of a move to KRaft.")
        .at_least(1)
        .internal()
        .not_applicable(),
    boolean_row("zookeeper.ssl.client.enable", "false", "Whether the connection to ZooKeeper uses TLS."),
    string_row("zookeeper.clientCnxnSocket", no_default, "Java class of the socket to ZooKeeper.").not_applicable(),
    string_row("zookeeper.ssl.keystore.location", no_default, "File with the key and certificate shown to ZooKeeper."),
    password_row("zookeeper.ssl.keystore.password", no_default, "Password of that file."),
    string_row("zookeeper.ssl.keystore.type", no_default, "Format of that file."),
    string_row("zookeeper.ssl.truststore.location", no_default,
               "File with the certificates that ZooKeeper's is checked against."),
    password_row("zookeeper.ssl.truststore.password", no_default, "Password of that file."),
    string_row("zookeeper.ssl.truststore.type", no_default, "Format of that file."),
    string_row("zookeeper.ssl.protocol", "TLSv1.2", "TLS version of the connection to ZooKeeper."),
    list_row("zookeeper.ssl.enabled.protocols", no_default, "TLS versions that may be used with ZooKeeper."),
    list_row("zookeeper.ssl.cipher.suites", no_default, "Cipher suites that may be used with ZooKeeper."),
    string_row("zookeeper.ssl.endpoint.identification.algorithm", "HTTPS",
               "Whether the name in ZooKeeper's certificate is checked: HTTPS, or empty."),
    boolean_row("zookeeper.ssl.crl.enable", "false",
                "Whether revocation lists are asked about ZooKeeper's certificate."),
    boolean_row("zookeeper.ssl.ocsp.enable", "false", "Whether OCSP is asked about ZooKeeper's certificate."),
};

}  // namespace

std::span<const ConfigRow> zookeeper_config_rows() { return rows; }

}  // namespace millrace::server
