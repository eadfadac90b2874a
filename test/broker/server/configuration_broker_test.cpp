#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "broker/base/file.h"
#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/broker_configuration.h"
#include "test/broker/base/temporary_directory.h"

namespace millrace::server {
namespace {

using testing::HasSubstr;

Result<BrokerConfiguration> make(ConfigPairs pairs) {
  pairs.insert(pairs.begin(), {"metadata.store", "embedded:/data/metadata"});
  return make_broker_configuration(pairs, "here.example");
}

BrokerConfiguration made(const ConfigPairs& pairs) {
  auto configuration = make(pairs);
  EXPECT_TRUE(configuration.has_value()) << (configuration ? "" : configuration.error().message);
  return configuration.value_or(BrokerConfiguration{});
}

std::string refusal(const ConfigPairs& pairs) {
  auto configuration = make(pairs);
  return configuration ? "accepted" : configuration.error().message;
}

TEST(BrokerConfiguration, ReadsTheFileAndLetsOverridesWin) {
  TemporaryDirectory directory;
  auto path = directory.path() + "/server.properties";
  ASSERT_TRUE(replace_file(posix_file_system(), path,
                           "num.partitions=3\nmetadata.store=embedded:/data/metadata\nbroker.id = 4\n"));
  std::string overrides[] = {"num.partitions=5", "num.partitions=6", "broker.rack=a=b"};
  auto loaded = load_broker_configuration(posix_file_system(), path, overrides, "here.example");
  ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
  EXPECT_EQ(loaded->topics.num_partitions, 6);
  EXPECT_EQ(loaded->broker_id, BrokerId(4));
  EXPECT_EQ(loaded->rack, "a=b");
  EXPECT_TRUE(loaded->warnings.empty());
}

TEST(BrokerConfiguration, NamesTheFileThatCannotBeReadAndTheLineThatCannotBeParsed) {
  TemporaryDirectory directory;
  auto missing = load_broker_configuration(posix_file_system(), directory.path() + "/absent.properties", {}, "here");
  ASSERT_FALSE(missing.has_value());
  EXPECT_NE(missing.error().message.find("absent.properties"), std::string::npos) << missing.error().message;
  auto path = directory.path() + "/broken.properties";
  ASSERT_TRUE(replace_file(posix_file_system(), path, "a=1\nb=\\u12\n"));
  auto broken = load_broker_configuration(posix_file_system(), path, {}, "here");
  ASSERT_FALSE(broken.has_value());
  EXPECT_NE(broken.error().message.find("broken.properties"), std::string::npos) << broken.error().message;
  EXPECT_NE(broken.error().message.find("line 2"), std::string::npos) << broken.error().message;
}

TEST(BrokerConfiguration, RefusesAnOverrideWithoutAKeyOrAnEqualsSign) {
  for (const std::string wrong : {"num.partitions", "=3", ""}) {
    std::string overrides[] = {wrong};
    auto loaded = load_broker_configuration(posix_file_system(), "", overrides, "here");
    ASSERT_FALSE(loaded.has_value());
    EXPECT_EQ(loaded.error().message, "--override '" + wrong + "': allowed is key=value");
  }
}

TEST(BrokerConfiguration, WarnsOfAnUnknownKeyWithTheNearestKnownName) {
  auto configuration = made({{"num.partition", "3"}, {"zzz.entirely.different", "1"}});
  EXPECT_EQ(configuration.warnings,
            (std::vector<std::string>{"Unknown configuration 'num.partition' is ignored; did you mean num.partitions?",
                                      "Unknown configuration 'zzz.entirely.different' is ignored"}));
  EXPECT_EQ(configuration.unlisted.at("num.partition"), "3");
}

TEST(BrokerConfiguration, WarnsOfAKeyWithoutEffectUnlessItSaysTheDefault) {
  auto configuration = made({{"replica.fetch.min.bytes", "7"},
                             {"replica.fetch.wait.max.ms", " 500 "},
                             {"controller.quorum.retry.backoff.ms", "21"},
                             {"listener.name.plaintext.max.connections", "3"},
                             {"num.partitions", "2"}});
  EXPECT_EQ(configuration.warnings,
            (std::vector<std::string>{
                "Configuration controller.quorum.retry.backoff.ms is accepted, and has no effect in Millrace",
                "Configuration listener.name.plaintext.max.connections is accepted, and has no effect yet",
                "Configuration replica.fetch.min.bytes is accepted, and has no effect yet"}));
}

TEST(BrokerConfiguration, ABadValueStopsWithTheKeyTheValueAndWhatIsAllowed) {
  struct Case {
    const char *key, *value, *expected;
  };
  for (auto [key, value, expected] :
       {Case{"num.partitions", "0", "an integer from 1 to 2147483647"},
        Case{"num.partitions", "three", "an integer from 1"},
        Case{"num.partitions", "", "an integer from 1"},
        Case{"log.segment.bytes", "13", "an integer from 14"},
        Case{"log.segment.bytes", "99999999999", "to 2147483647"},
        Case{"compression.type", "lzma", "one of uncompressed, zstd"},
        Case{"log.cleanup.policy", "delete,erase", "a list of compact, delete"},
        Case{"auto.create.topics.enable", "1", "true or false"},
        Case{"log.cleaner.min.cleanable.ratio", "1.1", "a number from 0 to 1"},
        Case{"compression.gzip.level", "0", "-1 or an integer from 1 to 9"},
        Case{"metadata.store", "sqlite:/x", "embedded:<directory> or zookeeper"},
        Case{"metadata.store", "embedded:", "embedded:<directory>"},
        Case{"millrace.cluster.id", "short", "22 letters"},
        Case{"millrace.http.port", "65536", "an integer from -1 to 65535"},
        Case{"millrace.shards", "-1", "an integer from 0 to 1024"},
        Case{"inter.broker.protocol.version", "9.9", "a version of Kafka"},
        Case{"broker.id", "1001", "reserved.broker.max.id, which is 1000"},
        Case{"broker.id", "-2", "reserved.broker.max.id"},
        Case{"node.id", "5000", "reserved.broker.max.id"},
        Case{"default.replication.factor", "0", "an integer from 1 to 32767"},
        Case{"default.replication.factor", "32768", "an integer from 1 to 32767"},
        Case{"log.retention.ms", "0", "-1 (unlimited), or 1 or more"},
        Case{"log.retention.hours", "0", "-1 (unlimited), or 1 or more"},
        Case{"log.roll.ms", "0", "1 or more"},
        Case{"log.roll.jitter.ms", "-1", "0 or more"},
        Case{"socket.send.buffer.bytes", "0", "-1 (the system's choice)"},
        Case{"queued.max.request.bytes", "1000", "larger or equal to socket.request.max.bytes, which is 104857600"},
        Case{"millrace.request.memory.bytes", "65536", "larger or equal to socket.request.max.bytes"},
        Case{"max.connections.per.ip", "0", "only if max.connections.per.ip.overrides is set"},
        Case{"max.connections.per.ip.overrides", "127.0.0.1", "address:number"},
        Case{"max.connections.per.ip.overrides", "a:b", "address:number"},
        Case{"connections.max.idle.ms", "50", "connection.failed.authentication.delay.ms"},
        Case{"replica.lag.time.max.ms", "100", "at least replica.fetch.wait.max.ms"},
        Case{"listener.name.plaintext.max.connections", "x", "an integer from 0"},
        Case{"millrace.journal.files", "1", "0, or an integer from 2 to 99"},
        Case{"millrace.journal.files", "100", "0, or an integer from 2 to 99"},
        Case{"millrace.journal.file.bytes", "1000", "an integer from 1048576"},
        Case{"millrace.journal.dirs", "/x,/y", "one for each of the 1 log directories"},
        Case{"log.dirs", "/a,,/b", "one of the directories is empty"},
        Case{"log.dirs", "/a,/b,/a/", "lie in each other"},
        Case{"log.dirs", "/a,/a/b", "lie in each other"},
        Case{"log.dirs", "/data", "must not lie in the log directory /data"},
        Case{"log.dirs", "/data/metadata/.", "must not lie in the log directory"}}) {
    auto message = refusal({{key, value}});
    EXPECT_NE(message.find(expected), std::string::npos) << key << "=" << value << ": " << message;
    bool names_key = message.find(key) != std::string::npos || std::string_view(key) == "log.dirs" ||
                     std::string_view(key) == "node.id";
    EXPECT_TRUE(names_key) << message;
    if (std::string_view(key) != "log.dirs")
      EXPECT_NE(message.find("'" + std::string(value) + "'"), std::string::npos) << message;
  }
}

TEST(BrokerConfiguration, DoesNotRepeatAPasswordInAMessageOrWarning) {
  auto configuration =
      made({{"ssl.keystore.password", "hunter2"}, {"listener.name.plaintext.ssl.key.password", "hunter2"}});
  for (const auto& warning : configuration.warnings) EXPECT_EQ(warning.find("hunter2"), std::string::npos) << warning;
}

TEST(BrokerConfiguration, RefusesWhatItWouldBeALieToAccept) {
  for (const auto& [key, value] : ConfigPairs{{"process.roles", "broker"},
                                              {"authorizer.class.name", "kafka.security.authorizer.AclAuthorizer"},
                                              {"create.topic.policy.class.name", "org.example.Policy"},
                                              {"principal.builder.class", "org.example.Principals"},
                                              {"remote.log.storage.system.enable", "true"},
                                              {"zookeeper.metadata.migration.enable", "true"}}) {
    auto message = refusal({{key, value}});
    EXPECT_NE(message.find("'" + value + "' for configuration " + key), std::string::npos) << message;
  }
}

TEST(BrokerConfiguration, TakesBrokerIdAndNodeIdAsTwoNamesOfOneThing) {
  EXPECT_EQ(made({}).broker_id, BrokerId::none());
  EXPECT_EQ(made({{"broker.id", "7"}}).values.integer("node.id"), 7);
  EXPECT_EQ(made({{"node.id", "8"}}).broker_id, BrokerId(8));
  EXPECT_NE(refusal({{"node.id", "8"}, {"broker.id", "7"}}).find("must be equal"), std::string::npos);
}

TEST(BrokerConfiguration, ChoosesTheMetadataStore) {
  auto embedded = made({});
  EXPECT_EQ(embedded.metadata_store.kind, MetadataStoreConfiguration::Kind::embedded);
  EXPECT_EQ(embedded.metadata_store.directory, "/data/metadata");
  auto zookeeper = make_broker_configuration(
      {{"zookeeper.connect", "a:2181,b:2181/kafka"}, {"zookeeper.session.timeout.ms", "6000"}}, "here");
  ASSERT_TRUE(zookeeper.has_value());
  EXPECT_EQ(zookeeper->metadata_store.kind, MetadataStoreConfiguration::Kind::zookeeper);
  EXPECT_EQ(zookeeper->metadata_store.connect, "a:2181,b:2181/kafka");
  EXPECT_EQ(zookeeper->metadata_store.session_timeout_ms, 6000);
  EXPECT_EQ(zookeeper->metadata_store.connection_timeout_ms, 6000);
  EXPECT_EQ(make_broker_configuration({}, "here").error().message,
            "No metadata store: set metadata.store=embedded:<directory> for a single broker, or zookeeper.connect for "
            "a cluster");
  EXPECT_EQ(make_broker_configuration({{"metadata.store", "zookeeper"}}, "here").error().message,
            "metadata.store=zookeeper needs zookeeper.connect");
}

TEST(BrokerConfiguration, TakesLogDirsBeforeLogDir) {
  EXPECT_EQ(made({}).log.directories, (std::vector<std::string>{"/tmp/kafka-logs"}));
  EXPECT_EQ(made({{"log.dir", "/one"}}).log.directories, (std::vector<std::string>{"/one"}));
  EXPECT_EQ(made({{"log.dir", "/one"}, {"log.dirs", "/two , /three"}}).log.directories,
            (std::vector<std::string>{"/two", "/three"}));
  EXPECT_EQ(made({{"log.dirs", "/data/logs"}}).log.directories, (std::vector<std::string>{"/data/logs"}))
      << "beside the metadata store";
}

TEST(BrokerConfiguration, BoundsTheNetworkByKafkasKeyWhereItIsSetAndByItsOwnWhereNot) {
  auto plain = made({}).network;
  EXPECT_EQ(plain.max_connections, 16'384U);
  EXPECT_EQ(plain.socket_send_buffer_bytes, -1);
  EXPECT_EQ(plain.listen_backlog, 511);
  EXPECT_EQ(plain.queued_max_request_bytes, 134'217'728U);
  auto set = made({{"max.connections", "10"},
                   {"max.connections.per.ip", "0"},
                   {"max.connections.per.ip.overrides", "127.0.0.1:5, ::1:6,"},
                   {"socket.send.buffer.bytes", "102400"},
                   {"socket.listen.backlog.size", "50"},
                   {"connections.max.idle.ms", "-1"},
                   {"socket.request.max.bytes", "200000000"}})
                 .network;
  EXPECT_EQ(set.max_connections, 10U);
  EXPECT_EQ(set.max_connections_per_ip, 0U);
  EXPECT_EQ(set.max_connections_per_ip_overrides.at("127.0.0.1"), 5U);
  EXPECT_EQ(set.max_connections_per_ip_overrides.at("::1"), 6U);
  EXPECT_EQ(set.socket_send_buffer_bytes, 102'400);
  EXPECT_EQ(set.listen_backlog, 50);
  EXPECT_GT(set.connections_max_idle, std::chrono::hours(24 * 365));
  EXPECT_EQ(set.queued_max_request_bytes, 200'000'000U) << "a budget that nobody set must hold the largest request";
  EXPECT_EQ(made({{"queued.max.request.bytes", "300000000"}}).network.queued_max_request_bytes, 300'000'000U);
}

TEST(BrokerConfiguration, RefusesWhatDoesNotFitOfConsumerGroups) {
  const std::string session = "group.consumer.session.timeout.ms";
  const std::string interval = "group.consumer.heartbeat.interval.ms";
  EXPECT_THAT(refusal({{session, "44999"}}),
              HasSubstr("at least group.consumer.min.session.timeout.ms, which is 45000"));
  EXPECT_THAT(refusal({{session, "60001"}}), HasSubstr("group.consumer.max.session.timeout.ms"));
  EXPECT_THAT(refusal({{interval, "4999"}}), HasSubstr("group.consumer.min.heartbeat.interval.ms"));
  EXPECT_THAT(refusal({{interval, "15001"}}), HasSubstr("group.consumer.max.heartbeat.interval.ms"));
  EXPECT_THAT(refusal({{"group.consumer.min.session.timeout.ms", "70000"}}), HasSubstr("which is 70000"));
  EXPECT_THAT(refusal({{"group.consumer.min.session.timeout.ms", "5000"}, {session, "5000"}}),
              HasSubstr("must be less than " + session + ", which is 5000"));
  EXPECT_EQ(refusal({{"group.consumer.min.session.timeout.ms", "5001"}, {session, "5001"}}), "accepted");
  EXPECT_THAT(refusal({{"group.consumer.assignors", "uniform,mine"}}), HasSubstr("uniform, range, or both"));
  EXPECT_THAT(refusal({{"group.consumer.assignors", ""}}), HasSubstr("uniform, range, or both"));
  EXPECT_EQ(refusal({{"group.consumer.assignors", "range , uniform"}}), "accepted");
  const std::string protocols = "group.coordinator.rebalance.protocols";
  EXPECT_THAT(refusal({{protocols, "consumer"}}), HasSubstr("classic must be among them"));
  EXPECT_THAT(refusal({{protocols, "classic,share"}}), HasSubstr("share groups are not offered"));
  EXPECT_EQ(refusal({{protocols, "classic"}}), "accepted");
}

TEST(BrokerConfiguration, ServesHttpOnlyWhereAPortIsGiven) {
  EXPECT_FALSE(made({}).http.has_value());
  auto http = made({{"millrace.http.port", "9404"}, {"millrace.http.address", "127.0.0.1"}}).http;
  ASSERT_TRUE(http.has_value());
  EXPECT_EQ(http->port, 9404);
  EXPECT_EQ(http->host, "127.0.0.1");
}

TEST(BrokerConfiguration, TakesTheLastOfAKeyThatStandsTwice) {
  EXPECT_EQ(made({{"num.partitions", "bad"}, {"num.partitions", "2"}}).topics.num_partitions, 2);
}

}  // namespace
}  // namespace millrace::server
