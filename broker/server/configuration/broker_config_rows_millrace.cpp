// Rows that Kafka has not: where the metadata lives, shards, HTTP, and bounds that Kafka leaves without an end.
#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/config_checks.h"
#include "broker/server/configuration/config_row_builder.h"

namespace millrace::server {
namespace {

bool accepts_metadata_store(std::string_view text) {
  constexpr std::string_view embedded = "embedded:";
  return text == "zookeeper" || (text.starts_with(embedded) && text.size() > embedded.size());
}
constexpr ConfigCheck metadata_store{accepts_metadata_store, "embedded:<directory> or zookeeper"};

// A uuid in Kafka's spelling: 22 letters of URL-safe Base64.
bool accepts_cluster_id(std::string_view text) {
  constexpr std::size_t letters = 22;
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return text.size() == letters && text.find_first_not_of(alphabet) == std::string_view::npos;
}
constexpr ConfigCheck cluster_id{accepts_cluster_id,
                                 "22 letters of URL-safe Base64, as kafka-storage random-uuid prints them"};

bool accepts_journal_files(std::string_view text) { return text != "1"; }
constexpr ConfigCheck journal_files{accepts_journal_files, "0, or an integer from 2 to 99"};

constexpr ConfigRow rows[] = {
    string_row(
        "metadata.store", no_default,
        "Where topics, configurations and ids are kept: embedded:<directory> serves one broker without ZooKeeper, "
        "zookeeper uses zookeeper.connect. Empty means zookeeper where zookeeper.connect is set. The directory "
        "must not lie in a log directory.")
        .checked_by(metadata_store)
        .effective(),
    string_row(
        "millrace.cluster.id", no_default,
        "Cluster id that a new cluster is given. An existing cluster must have this id, or the start stops. Empty "
        "makes a random one.")
        .checked_by(cluster_id)
        .effective(),
    int32_row(
        "millrace.shards", "0",
        "Event loops that serve connections and partitions, each on a thread of its own when there is work for it; "
        "0 takes one per core that the broker may use, by its affinity and by the limit of its container.")
        .between(0, 1024)
        .effective(),
    boolean_row("millrace.shards.share.thread", "true",
                "Whether shards with little to do run on one thread, which saves waking the others.")
        .effective(),
    int32_row("millrace.worker.threads", "0",
              "Threads for what would keep a shard from its other requests: batches that are large or expand far, "
              "conversions, searches by time. They are started when they are needed; 0 takes as many as there are "
              "shards.")
        .between(0, 1024)
        .effective(),
    int32_row(
        "millrace.request.slice.us", "100",
        "Microseconds that a request which names very many things may take of its shard, before others have their "
        "turn. All such requests of a shard share them.")
        .between(0, 1'000'000)
        .effective(),
    int32_row("millrace.http.port", "-1", "Port of /metrics, /livez and /readyz; 0 takes a free one, -1 serves none.")
        .between(-1, 65535)
        .effective(),
    string_row("millrace.http.address", "", "Address that the HTTP port listens on; empty means every address.")
        .effective(),
    int64_row("millrace.request.memory.bytes", "134217728",
              "Bytes of requests in memory at one time, where queued.max.request.bytes does not say it. At least "
              "socket.request.max.bytes.")
        .at_least(65536)
        .effective(),
    int64_row("millrace.reserved.request.bytes", "134217728",
              "The same for the brokers' own listener, where it is not the only one, so that clients cannot starve it.")
        .at_least(65536)
        .effective(),
    int32_row("millrace.quota.max.clients", "100000",
              "Users, client ids and addresses whose use is counted at one time, where quotas are set for them; the "
              "longest silent ones make room.")
        .at_least(16)
        .effective(),
    int32_row("millrace.max.held.connections", "256",
              "Connections of each listener that are held for up to a second, before they are refused because their "
              "address makes too many; the others are refused at once.")
        .at_least(0)
        .effective(),
    int64_row("millrace.request.arrays.max.bytes", "67108864",
              "Bytes of memory that the arrays of one request may take once it is read: an element of two bytes may be "
              "a structure of fifty. All together they take at most as much again as the requests themselves may.")
        .at_least(65536)
        .effective(),
    int32_row("millrace.unauthenticated.request.max.bytes", "65536",
              "Largest request of a connection that must authenticate and has not.")
        .at_least(1024)
        .effective(),
    int64_row("millrace.unauthenticated.request.bytes", "8388608",
              "Bytes of requests in memory, over all connections that must authenticate and have not.")
        .at_least(65536)
        .effective(),
    int32_row("millrace.max.connections", "16384",
              "Connections that the broker holds at one time, where max.connections is not set.")
        .at_least(1)
        .effective(),
    int32_row("millrace.max.reserved.connections", "1024",
              "The same for the brokers' own listener, where it is not the only one.")
        .at_least(1)
        .effective(),
    int32_row("millrace.max.connections.per.ip", "8192",
              "Connections that one address may hold at one time, where max.connections.per.ip is not set.")
        .at_least(1)
        .effective(),
    int32_row("millrace.listen.backlog.size", "511",
              "Connections that may wait to be accepted, where socket.listen.backlog.size is not set.")
        .at_least(1)
        .effective(),
    int32_row("millrace.max.in.flight.requests.per.connection", "16",
              "Requests of one connection that are read and not yet answered; above it no more is read from it.")
        .between(1, 1000)
        .effective(),
    int64_row("millrace.output.max.bytes.per.connection", "1048576",
              "Bytes of answers that may wait for one connection's client; above it no more requests are read from it.")
        .at_least(4096)
        .effective(),
    int32_row("millrace.turn.max.bytes", "1048576",
              "Bytes that one connection may read or send before the others of its shard have their turn.")
        .at_least(4096)
        .effective(),
    int32_row("millrace.first.request.deadline.ms", "10000",
              "Time within which the first request of a new connection must have come.")
        .at_least(1)
        .effective(),
    int32_row("millrace.min.bytes.per.second", "1024",
              "Slowest rate of a request that has begun, and of an answer that waits for its reader; a slower "
              "connection is closed.")
        .at_least(0)
        .effective(),
    int32_row("millrace.pressure.min.bytes.per.second", "65536",
              "The same for a request that has begun, while others wait for memory.")
        .at_least(0)
        .effective(),
    int32_row("millrace.read.progress.window.ms", "10000", "Time over which the rate of a request is measured.")
        .at_least(1)
        .effective(),
    int32_row("millrace.pressure.progress.window.ms", "2000", "The same, while others wait for memory.")
        .at_least(1)
        .effective(),
    int32_row("millrace.write.progress.window.ms", "600000",
              "Time over which the rate of an answer is measured. Long, because a consumer reads only when its "
              "application polls.")
        .at_least(1)
        .effective(),
    int64_row(
        "millrace.decompression.max.bytes", "134217728",
        "Bytes that one batch of a producer may expand to, or 16 times its topic's max.message.bytes where that is "
        "more; one that expands further is refused with MESSAGE_TOO_LARGE, whereupon producers that can do so send "
        "it in parts.")
        .at_least(65536)
        .effective(),
    int32_row("millrace.decompression.max.ratio", "2000",
              "How many times its size a batch may expand to, where that is more than 16 MiB.")
        .at_least(10)
        .effective(),
    int64_row(
        "millrace.conversion.memory.bytes", "134217728",
        "Bytes of records in memory at one time that are converted: from and to the formats of old clients, or to "
        "the codec of their topic.")
        .at_least(1048576)
        .effective(),
    int32_row("millrace.fetch.session.max.partitions", "1000000",
              "Partitions in all fetch sessions together; a client that would go beyond it fetches without a session.")
        .at_least(0)
        .effective(),
    int32_row("millrace.log.open.files", "4000",
              "Segment and index files that are open at one time; the others are opened again when they are needed.")
        .between(16, 10000000)
        .effective(),
    int32_row("millrace.log.max.producers.per.partition", "100000",
              "Producer ids that one partition remembers; beyond it those that were idle the longest are forgotten.")
        .at_least(1)
        .effective(),
    list_row("millrace.journal.dirs", "",
             "Directories of the journals that topics with flush.messages=1 are synced through, one for each of "
             "log.dirs and in "
             "their order, on the same volume or a faster one; empty takes <log.dir>.journal beside each. They must "
             "not lie in "
             "a log directory.")
        .effective(),
    int32_row(
        "millrace.journal.files", "4",
        "Files of each journal. They are made when the first record with flush.messages=1 comes and their volume has "
        "twice their size left. 0: there is none, and each log is synced by itself.")
        .between(0, 99)
        .checked_by(journal_files)
        .effective(),
    int64_row("millrace.journal.file.bytes", "67108864",
              "Size of each of them, of which whole blocks of 4096 bytes are used. When one is full, the segments of "
              "what it has are synced; when all are, appends wait for that. A larger append is synced in its segment.")
        .between(1048576, 1073741824)
        .effective(),
    int64_row("millrace.log.tail.window.bytes", "8388608",
              "Bytes at the end of each partition that are taken to be in the page cache, so that they are sent "
              "without a look.")
        .at_least(0)
        .effective(),
    int32_row("millrace.log.slow.append.ms", "100", "Time of an append above which it is counted and named in the log.")
        .at_least(1)
        .effective(),
    int64_row("millrace.log.scrub.bytes.per.second", "1048576",
              "Rate, for each log directory, at which closed segments are read again to find what the disk has "
              "changed; 0 reads "
              "nothing. The page cache is left as it is.")
        .at_least(0)
        .cluster_wide()
        .effective(),
    int64_row("millrace.log.scrub.interval.ms", "604800000",
              "Least time between the beginnings of two passes over all closed segments of a log directory.")
        .at_least(1000)
        .cluster_wide()
        .effective(),
    int32_row("millrace.log.housekeeping.interval.ms", "3000",
              "Time between two looks for logs that are due to be synced or closed, where "
              "log.flush.scheduler.interval.ms is not set.")
        .at_least(1)
        .effective(),
};

}  // namespace

std::span<const ConfigRow> millrace_config_rows() { return rows; }

}  // namespace millrace::server
