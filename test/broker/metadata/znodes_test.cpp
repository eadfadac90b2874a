// Every payload byte for byte as Kafka 3.9 writes it, and read back; older versions read; damage answered with an error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/metadata/znodes/broker_registration.h"
#include "broker/metadata/znodes/cluster_identity.h"
#include "broker/metadata/znodes/controller_registration.h"
#include "broker/metadata/znodes/entity_config.h"
#include "broker/metadata/znodes/partition_state.h"
#include "broker/metadata/znodes/producer_id_block.h"
#include "broker/metadata/znodes/topic_assignment.h"
#include "broker/metadata/znodes/znode_paths.h"
#include "test/broker/metadata/golden_znodes.h"

namespace millrace::metadata::znodes {
namespace {

using test::golden;
using testing::HasSubstr;

std::vector<BrokerId> ids(std::initializer_list<int> numbers) {
  std::vector<BrokerId> out;
  for (int number : numbers) out.emplace_back(number);
  return out;
}

const TopicId golden_id = *Uuid::parse("JrSaDkNnTtevCS24LqpTfA");
constexpr TimestampMs golden_time(1'700'000'000'000);

TEST(TopicAssignment, IsWrittenAsKafkaWritesItWhateverTheNumberOfPartitions) {
  for (int count : {1, 3, 9, 11, 12, 13, 23, 24, 25, 48, 100, 200, 1000}) {
    TopicAssignment assignment;
    assignment.id = golden_id;
    for (int index = 0; index < count; ++index) {
      assignment.partitions.push_back({PartitionIndex(index), ids({index % 3, (index + 1) % 3}), {}, {}});
    }
    auto payload = golden("topic." + std::to_string(count));
    EXPECT_EQ(encode(assignment), payload);
    auto decoded = decode_topic_assignment(payload);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(*decoded, assignment);
  }
}

TEST(TopicAssignment, KeepsWhatIsBeingReassigned) {
  TopicAssignment assignment;
  assignment.id = golden_id;
  assignment.partitions = {{PartitionIndex(0), ids({3, 4, 1, 2}), ids({3, 4}), ids({1, 2})},
                           {PartitionIndex(1), ids({1, 2}), {}, {}},
                           {PartitionIndex(2), ids({1, 2, 3}), ids({3}), {}},
                           {PartitionIndex(3), ids({1, 2, 3}), {}, ids({3})}};
  EXPECT_EQ(encode(assignment), golden("topic.moving"));
  EXPECT_EQ(*decode_topic_assignment(golden("topic.moving")), assignment);
  assignment.id = {};
  EXPECT_EQ(encode(assignment), golden("topic.without-id"));
  EXPECT_EQ(*decode_topic_assignment(golden("topic.without-id")), assignment);
}

TEST(TopicAssignment, ReadsVersionOne) {
  auto decoded = decode_topic_assignment(R"({"version":1,"partitions":{"10":[3],"2":[1,2]}})");
  ASSERT_TRUE(decoded) << decoded.error().message;
  ASSERT_EQ(decoded->partitions.size(), 2U);
  EXPECT_EQ(decoded->partitions[0].index, PartitionIndex(2));
  EXPECT_EQ(decoded->partitions[1].replicas, ids({3}));
}

TEST(TopicAssignment, NamesWhatIsWrongWithADamagedPayload) {
  auto error = [](std::string_view payload) {
    auto decoded = decode_topic_assignment(payload);
    EXPECT_FALSE(decoded) << payload;
    EXPECT_EQ(decoded.error().kind, ErrorKind::corrupt);
    return decoded ? "" : decoded.error().message;
  };
  EXPECT_THAT(error(""), HasSubstr("not JSON"));
  EXPECT_THAT(error("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(error(R"({"partitions":[]})"), HasSubstr("\"partitions\" is not an object"));
  EXPECT_THAT(error(R"({"partitions":{"x":[1]}})"), HasSubstr("\"x\" is not a partition's index"));
  EXPECT_THAT(error(R"({"partitions":{"-1":[1]}})"), HasSubstr("\"-1\""));
  EXPECT_THAT(error(R"({"partitions":{"0":1}})"), HasSubstr("not an array"));
  EXPECT_THAT(error(R"({"partitions":{"0":[-1]}})"), HasSubstr("not a broker id"));
  EXPECT_THAT(error(R"({"partitions":{"0":[4294967296]}})"), HasSubstr("not a broker id"));
  EXPECT_THAT(error(R"({"partitions":{"0":[1]},"topic_id":"short"})"), HasSubstr("topic_id"));
  EXPECT_THAT(error(R"({"partitions":{"0":[1]},"adding_replicas":{"1":[2]}})"), HasSubstr("no replicas"));
  EXPECT_THAT(error(std::string(2'000'000, '[')), HasSubstr("2000000 bytes"));
  EXPECT_THAT(error(std::string(900'000, '[')), HasSubstr("not JSON"));
}

TEST(PartitionState, IsWrittenAsKafkaWritesIt) {
  auto check = [](const char* name, const PartitionState& state) {
    EXPECT_EQ(encode(state), golden(name));
    auto decoded = decode_partition_state(golden(name));
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(*decoded, state);
  };
  check("state", {BrokerId(0), LeaderEpoch(0), ControllerEpoch(1), ids({0}), false});
  check("state.isr", {BrokerId(1001), LeaderEpoch(7), ControllerEpoch(12), ids({1001, 1002, 3}), false});
  check("state.leaderless", {BrokerId::none(), LeaderEpoch(8), ControllerEpoch(12), ids({1001}), false});
  check("state.recovering", {BrokerId(2), LeaderEpoch(9), ControllerEpoch(13), ids({2}), true});
}

TEST(PartitionState, NamesTheFieldThatIsMissing) {
  auto decoded = decode_partition_state(R"({"leader":1,"leader_epoch":2,"isr":[1],"version":1})");
  ASSERT_FALSE(decoded);
  EXPECT_THAT(decoded.error().message, HasSubstr("\"controller_epoch\" is missing"));
  EXPECT_FALSE(decode_partition_state(R"({"leader":99999999999,"leader_epoch":2,"isr":[1],"controller_epoch":1})"));
  EXPECT_FALSE(decode_partition_state(R"({"leader":1,"leader_epoch":2,"isr":["1"],"controller_epoch":1})"));
}

TEST(BrokerRegistration, IsWrittenAsKafkaWritesIt) {
  auto check = [](const char* name, const BrokerRegistration& registration) {
    EXPECT_EQ(encode(registration), golden(name));
    auto decoded = decode_broker_registration(golden(name));
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(*decoded, registration);
  };
  Endpoint plaintext{"PLAINTEXT", "PLAINTEXT", "127.0.0.1", 9092};
  check("broker.plaintext", {{plaintext}, std::nullopt, -1, golden_time});
  check("broker.rack", {{plaintext}, "r1", -1, golden_time});
  check("broker.ipv6", {{{"PLAINTEXT", "PLAINTEXT", "::1", 9092}}, std::nullopt, -1, golden_time});
  check("broker.secure", {{{"SSL", "SSL", "broker.example", 9093}, {"SASL_SSL", "SASL_SSL", "broker.example", 9094}},
                          "zone-a",
                          -1,
                          golden_time});
  std::vector<Endpoint> four{{"INTERNAL", "SASL_PLAINTEXT", "a", 1},
                             {"CONTROL", "SSL", "b", 2},
                             {"OPEN", "PLAINTEXT", "c", 3},
                             {"EXTERNAL", "SASL_SSL", "d", 4}};
  check("broker.listeners", {four, "zone-a", -1, golden_time});
  std::vector<Endpoint> seven = {{"INTERNAL", "PLAINTEXT", "a", 1}, {"CONTROL", "SSL", "b", 2},
                                 {"OPEN", "PLAINTEXT", "c", 3},     {"EXTERNAL", "SASL_SSL", "d", 4},
                                 {"NODEPORT", "SSL", "e", 5},       {"INGRESS", "SSL", "f", 6},
                                 {"REPLICATION", "SSL", "g", 7}};
  check("broker.many-listeners", {seven, std::nullopt, -1, golden_time});
}

TEST(BrokerRegistration, ReadsTheVersionsOfOlderBrokers) {
  auto first = decode_broker_registration(
      R"({"version":1,"host":"localhost","port":9092,"jmx_port":9999,"timestamp":"2233345666"})");
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->endpoints, (std::vector<Endpoint>{{"PLAINTEXT", "PLAINTEXT", "localhost", 9092}}));
  EXPECT_EQ(first->jmx_port, 9999);
  auto third = decode_broker_registration(
      R"({"version":3,"host":"localhost","port":9092,"jmx_port":9999,"timestamp":"2233345666",)"
      R"("endpoints":["PLAINTEXT://host1:9092","SSL://host1:9093"],"rack":"dc1"})");
  ASSERT_TRUE(third) << third.error().message;
  EXPECT_EQ(third->endpoints[1], (Endpoint{"SSL", "SSL", "host1", 9093}));
  EXPECT_EQ(third->rack, "dc1");
  auto null_rack = decode_broker_registration(
      R"({"version":5,"endpoints":["A://:1"],"listener_security_protocol_map":{"A":"SSL"},"rack":null})");
  ASSERT_TRUE(null_rack) << null_rack.error().message;
  EXPECT_EQ(null_rack->endpoints[0], (Endpoint{"A", "SSL", "", 1}));
}

TEST(BrokerRegistration, NamesTheEndpointThatCannotBeRead) {
  for (std::string endpoint :
       {"host:9092", "PLAINTEXT://host", "://host:1", "A://host:65536", "A://host:-1", "A://host:x", "A://host:1x"}) {
    auto decoded = decode_broker_registration(R"({"version":5,"endpoints":[")" + endpoint +
                                              R"("],"listener_security_protocol_map":{}})");
    ASSERT_FALSE(decoded) << endpoint;
    EXPECT_THAT(decoded.error().message, HasSubstr(endpoint));
  }
}

TEST(EntityConfig, IsWrittenAsKafkaWritesIt) {
  auto check = [](const char* name, const ConfigMap& config) {
    EXPECT_EQ(encode_config(config), golden(name));
    auto decoded = decode_config(golden(name));
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(*decoded, config);
  };
  check("config.empty", {});
  check("config.one", {{"retention.ms", "1000"}});
  check("config.two", {{"retention.ms", "1000"}, {"cleanup.policy", "compact,delete"}});
  check("config.escapes", {{"leader.replication.throttled.replicas", "a\"b\\c/d\xc3\xa9\x01\n\t"}});
}

TEST(EntityConfig, IsWrittenInTheOrderOfJavasHashTable) {
  for (const char* name : {"config.many", "config.more"}) {
    auto decoded = decode_config(golden(name));
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(encode_config(*decoded), golden(name));
  }
}

TEST(EntityConfig, ReadsAnEmptyPayloadAsNothingSetAndRefusesAnotherVersion) {
  EXPECT_TRUE(decode_config("")->empty());
  EXPECT_FALSE(decode_config(R"({"version":2,"config":{}})"));
  EXPECT_FALSE(decode_config(R"({"version":1,"config":{"a":1}})"));
}

TEST(ConfigChange, NamesTheEntityInBothVersions) {
  EXPECT_EQ(encode_config_change("topics/my-topic"), golden("change"));
  EXPECT_EQ(encode_config_change("users/<default>/clients/c1"), golden("change.user-client"));
  EXPECT_EQ(*decode_config_change(golden("change.user-client")), "users/<default>/clients/c1");
  EXPECT_EQ(*decode_config_change(R"({"version":1,"entity_type":"topics","entity_name":"t"})"), "topics/t");
  EXPECT_FALSE(decode_config_change(R"({"version":3,"entity_path":"topics/t"})"));
}

TEST(ControllerRegistration, IsWrittenAsKafkaWritesItAndShowsKRaftsOwnership) {
  ControllerRegistration registration{BrokerId(1), golden_time, -1};
  EXPECT_EQ(encode(registration), golden("controller"));
  EXPECT_EQ(*decode_controller_registration(golden("controller")), registration);
  EXPECT_EQ(decode_controller_registration(golden("controller.kraft"))->kraft_epoch, 5);
  EXPECT_EQ(decode_controller_registration(R"({"version":1,"brokerid":3,"timestamp":"1"})")->kraft_epoch, -1);
}

TEST(ControllerEpochText, IsAPlainNumber) {
  EXPECT_EQ(encode(ControllerEpoch(17)), "17");
  EXPECT_EQ(*decode_controller_epoch("17"), ControllerEpoch(17));
  for (const char* text : {"", "x", "-1", "1 ", "2147483648"}) EXPECT_FALSE(decode_controller_epoch(text)) << text;
}

TEST(ClusterIdentity, IsWrittenAsKafkaWritesIt) {
  EXPECT_EQ(encode_cluster_id("IKyVStOSTBGjee1z24bHaw"), golden("cluster-id"));
  EXPECT_EQ(*decode_cluster_id(golden("cluster-id")), "IKyVStOSTBGjee1z24bHaw");
  EXPECT_FALSE(decode_cluster_id(R"({"version":"1"})"));
  EXPECT_FALSE(decode_cluster_id(R"({"version":"1","id":""})"));
  EXPECT_EQ(encode_no_features(), golden("feature"));
}

TEST(ProducerIdBlock, IsWrittenAsKafkaWritesIt) {
  ProducerIdBlock first{BrokerId(0), ProducerId(0), ProducerId(999)};
  ProducerIdBlock later{BrokerId(1001), ProducerId(123'456'789'000), ProducerId(123'456'789'999)};
  EXPECT_EQ(encode(first), golden("producer-ids"));
  EXPECT_EQ(encode(later), golden("producer-ids.later"));
  EXPECT_EQ(*decode_producer_id_block(golden("producer-ids")), first);
  EXPECT_EQ(*decode_producer_id_block(golden("producer-ids.later")), later);
  EXPECT_FALSE(decode_producer_id_block(R"({"version":1,"broker":1,"block_start":"5","block_end":"4"})"));
  EXPECT_FALSE(decode_producer_id_block(R"({"version":1,"broker":1,"block_start":"x","block_end":"4"})"));
}

TEST(ZnodePaths, AreKafkas) {
  std::string persistent;
  for (auto path : paths::persistent) persistent += (persistent.empty() ? "" : " ") + std::string(path);
  EXPECT_EQ(persistent, golden("paths.persistent"));
  EXPECT_EQ(topic_path("t"), golden("paths.topic"));
  EXPECT_EQ(partition_state_path("t", PartitionIndex(3)), golden("paths.partition-state"));
  EXPECT_EQ(broker_path(BrokerId(3)), golden("paths.broker"));
  EXPECT_EQ(config_path(ConfigEntity::topics, "t"), golden("paths.config"));
  EXPECT_EQ(paths::config_change_prefix, golden("paths.change"));
  EXPECT_EQ(delete_topic_path("t"), golden("paths.delete-topic"));
  EXPECT_EQ(paths::controller, golden("paths.controller"));
  EXPECT_EQ(paths::controller_epoch, golden("paths.controller-epoch"));
  EXPECT_EQ(paths::cluster_id, golden("paths.cluster-id"));
  EXPECT_EQ(paths::producer_id_block, golden("paths.producer-ids"));
  EXPECT_EQ(paths::broker_sequence, golden("paths.broker-sequence"));
  EXPECT_EQ(paths::feature, golden("paths.feature"));
}

}  // namespace
}  // namespace millrace::metadata::znodes
