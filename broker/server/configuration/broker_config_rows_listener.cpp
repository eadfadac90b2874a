// Rows of listeners, sockets and connections (Kafka 3.9: KafkaConfig.configDef).
#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/config_checks.h"
#include "broker/server/configuration/config_row_builder.h"

namespace millrace::server {
namespace {

constexpr ConfigRow rows[] = {
    string_row("listeners", "PLAINTEXT://:9092",
               "Addresses that the broker listens on, as NAME://host:port with commas between them. An empty host "
               "means every address; IPv6 stands in brackets.")
        .per_broker()
        .effective(),
    string_row("advertised.listeners", no_default,
               "Addresses that clients and brokers are told, in the form of listeners. Empty takes listeners; a name "
               "may be left out to keep it from clients.")
        .per_broker()
        .effective(),
    string_row("listener.security.protocol.map",
               "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT",
               "Security protocol of each listener name, as NAME:PROTOCOL with commas between them.")
        .per_broker()
        .effective(),
    string_row("inter.broker.listener.name", no_default,
               "Listener that brokers use among themselves. Empty takes the one whose protocol is "
               "security.inter.broker.protocol.")
        .effective(),
    string_row("security.inter.broker.protocol", "PLAINTEXT",
               "Security protocol among brokers, where inter.broker.listener.name does not name a listener.")
        .one_of(security_protocols)
        .effective(),
    string_row("control.plane.listener.name", no_default,
               "Listener for requests from the controller only, with a port and a queue of its own."),
    string_row("early.start.listeners", no_default, "Listeners that open before the authorizer is ready.")
        .not_applicable(),
    int32_row("socket.send.buffer.bytes", "102400",
              "Send buffer of each accepted socket (SO_SNDBUF). Not set, or -1: the system sizes it as it goes.")
        .effective(),
    int32_row("socket.receive.buffer.bytes", "102400",
              "Receive buffer of each accepted socket (SO_RCVBUF). Not set, or -1: the system sizes it as it goes.")
        .effective(),
    int32_row("socket.listen.backlog.size", "50",
              "Connections that may wait to be accepted; the system's own limit may be lower. Not set: "
              "millrace.listen.backlog.size.")
        .at_least(1)
        .effective(),
    int32_row("socket.request.max.bytes", "104857600",
              "Largest request. A connection that announces a larger one is closed.")
        .at_least(1)
        .effective(),
    int64_row("queued.max.request.bytes", "-1",
              "Bytes of requests in memory at one time; above it no more is read from connections. -1: "
              "millrace.request.memory.bytes.")
        .effective(),
    int32_row("queued.max.requests", "500",
              "Requests that may wait for a thread. There is no such queue here; see queued.max.request.bytes and "
              "millrace.max.in.flight.requests.per.connection.")
        .at_least(1)
        .not_applicable(),
    int32_row("max.connections", "2147483647",
              "Connections that the broker holds at one time over all listeners. Not set: millrace.max.connections.")
        .at_least(0)
        .cluster_wide()
        .effective(),
    int32_row("max.connections.per.ip", "2147483647",
              "Connections that one address may hold at one time. Not set: millrace.max.connections.per.ip.")
        .at_least(0)
        .cluster_wide()
        .effective(),
    string_row("max.connections.per.ip.overrides", "",
               "Other limits for named addresses, as address:number with commas between them.")
        .cluster_wide()
        .effective(),
    int32_row("max.connection.creation.rate", "2147483647",
              "New connections per second that the broker accepts; the next ones wait. listener.name.<name>.<key> is "
              "the same for one listener. The brokers' own listener does not count where it is not the only one.")
        .at_least(0)
        .cluster_wide()
        .effective(),
    int64_row("connections.max.idle.ms", "600000",
              "Time without a request after which a connection is closed; a negative one never closes it.")
        .effective(),
    int64_row("connections.max.reauth.ms", "0",
              "Time after which an authenticated connection must authenticate again or is closed; 0 never asks."),
    int32_row("connection.failed.authentication.delay.ms", "100",
              "Wait before a connection is closed whose authentication failed.")
        .at_least(0),
    int64_row("socket.connection.setup.timeout.ms", "10000",
              "Time that the first try of an outgoing connection may take."),
    int64_row("socket.connection.setup.timeout.max.ms", "30000",
              "Upper bound of the time of later tries of an outgoing connection; it doubles with each failure."),
    int32_row("request.timeout.ms", "30000", "Time that the broker waits for an answer to a request of its own."),
    int32_row("fetch.max.bytes", "57671680", "Most bytes of records in one answer to a fetch.")
        .at_least(1024)
        .effective(),
    int32_row("max.incremental.fetch.session.cache.slots", "1000",
              "Incremental fetch sessions that the broker remembers.")
        .at_least(0)
        .effective(),
    int32_row("max.request.partition.size.limit", "2000",
              "Most partitions that one request about partitions is answered for.")
        .at_least(1),
};

}  // namespace

std::span<const ConfigRow> listener_config_rows() { return rows; }

}  // namespace millrace::server
