// What is written when a cluster's znodes are taken from one store to another.
#include "broker/metadata/znode_transfer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "broker/base/clock.h"
#include "broker/metadata/embedded_znodes.h"
#include "broker/metadata/znodes/cluster_identity.h"
#include "broker/metadata/znodes/controller_registration.h"
#include "broker/metadata/znodes/partition_state.h"
#include "broker/metadata/znodes/producer_id_block.h"
#include "broker/metadata/znodes/topic_assignment.h"
#include "test/broker/base/temporary_directory.h"

namespace millrace::metadata {
namespace {

constexpr BrokerId self(3);
const std::string topic_path = "/brokers/topics/t";
const std::string state_path = topic_path + "/partitions/0/state";

ZnodeSnapshot cluster(std::int32_t controller_epoch, const std::string& name = "the giver") {
  ZnodeSnapshot snapshot{name, {}};
  auto put = [&](const std::string& path, std::string data = "") { snapshot.znodes[path].data = std::move(data); };
  put("/cluster");
  put("/cluster/id", znodes::encode_cluster_id("the-cluster"));
  put("/controller_epoch", znodes::encode(ControllerEpoch(controller_epoch)));
  put("/brokers");
  put("/brokers/ids");
  put("/brokers/seqid");
  put("/brokers/topics");
  put(topic_path, znodes::encode(znodes::TopicAssignment{TopicId{}, {{PartitionIndex(0), {self}, {}, {}}}}));
  put(topic_path + "/partitions");
  put(topic_path + "/partitions/0");
  put(state_path, znodes::encode(znodes::PartitionState{self, LeaderEpoch(5), ControllerEpoch(1), {self}, false}));
  put("/config");
  put("/config/topics");
  put("/config/topics/t", R"({"version":1,"config":{"retention.ms":"1000"}})");
  put("/latest_producer_id_block", znodes::encode(znodes::ProducerIdBlock{self, ProducerId(2000), ProducerId(2999)}));
  return snapshot;
}

// The receiver after the operations, which have to fit it.
ZnodeSnapshot after(ZnodeSnapshot receiver, const std::vector<Operation>& operations) {
  receiver.znodes.try_emplace("/");
  for (const auto& operation : operations) {
    if (const auto* create = std::get_if<CreateOperation>(&operation)) {
      auto parent = create->path.substr(0, create->path.rfind('/'));
      EXPECT_TRUE(receiver.znodes.contains(parent.empty() ? "/" : parent)) << "no parent of " << create->path;
      EXPECT_TRUE(receiver.znodes.try_emplace(create->path, TransferredZnode{create->data}).second) << create->path;
    } else if (const auto* set = std::get_if<SetOperation>(&operation)) {
      EXPECT_TRUE(receiver.znodes.contains(set->path)) << set->path;
      auto& znode = receiver.znodes[set->path];
      znode.data = set->data;
      ++znode.version;
    } else {
      EXPECT_EQ(receiver.znodes.erase(std::get<RemoveOperation>(operation).path), 1U);
    }
  }
  return receiver;
}

std::string refusal(const Result<ZnodeTransfer>& plan) { return plan ? std::string("none") : plan.error().message; }

ZnodeSnapshot empty_zookeeper() { return {"the receiver", {}}; }

TEST(ZnodeTransfer, GivesAnEmptyZooKeeperTheClusterAndKafkasTopLevelZnodes) {
  auto plan = plan_export(cluster(4), empty_zookeeper());
  ASSERT_TRUE(plan) << plan.error().message;
  auto got = after(empty_zookeeper(), plan->operations);
  for (const auto& [path, znode] : cluster(4).znodes) EXPECT_EQ(got.znodes[path].data, znode.data) << path;
  for (const auto* path : {"/consumers", "/brokers/ids", "/config/changes", "/admin/delete_topics", "/config/ips",
                           "/isr_change_notification", "/log_dir_event_notification", "/brokers/seqid"})
    EXPECT_TRUE(got.znodes.contains(path)) << path;
  EXPECT_EQ(plan->cluster_id, "the-cluster");
  EXPECT_EQ(plan->topics, 1U);
  EXPECT_EQ(plan->partitions, 1U);
  EXPECT_EQ(plan->configurations, 1U);
}

TEST(ZnodeTransfer, WritesTheClustersIdLastSoThatWhoeverFindsItHasAll) {
  auto plan = plan_export(cluster(4), empty_zookeeper());
  ASSERT_TRUE(plan);
  EXPECT_EQ(std::get<CreateOperation>(plan->operations.back()).path, "/cluster/id");
}

TEST(ZnodeTransfer, GoesOnAfterAnyOfItsChangesAndThenHasNothingToDo) {
  auto plan = plan_export(cluster(4), empty_zookeeper());
  ASSERT_TRUE(plan);
  auto whole = after(empty_zookeeper(), plan->operations);
  for (std::size_t done = 0; done <= plan->operations.size(); ++done) {
    auto part =
        after(empty_zookeeper(), {plan->operations.begin(), plan->operations.begin() + static_cast<long>(done)});
    auto rest = plan_export(cluster(4), part);
    ASSERT_TRUE(rest) << rest.error().message;
    EXPECT_EQ(rest->operations.size(), plan->operations.size() - done);
    EXPECT_EQ(after(part, rest->operations).znodes, whole.znodes);
  }
}

TEST(ZnodeTransfer, LeavesOutWhatIsEphemeralAndWhatIsOurOwn) {
  auto giver = cluster(4);
  giver.znodes["/brokers/ids/3"] = {"{}", 0, true};
  giver.znodes["/controller"] = {"{}", 0, true};
  giver.znodes["/millrace"] = {"ours", 0, false};
  giver.znodes["/config/changes/config_change_0000000001"] = {"{}", 0, false};
  auto plan = plan_export(giver, empty_zookeeper());
  ASSERT_TRUE(plan) << plan.error().message;
  auto got = after(empty_zookeeper(), plan->operations);
  for (const auto* path : {"/brokers/ids/3", "/controller", "/millrace", "/config/changes/config_change_0000000001"})
    EXPECT_FALSE(got.znodes.contains(path)) << path;
}

TEST(ZnodeTransfer, RemovesTopicsAndConfigurationsThatTheGiverHasNoMore) {
  auto before = cluster(3, "the receiver");
  before.znodes["/brokers/topics/old"].data = "{}";
  before.znodes["/brokers/topics/old/partitions"];
  before.znodes["/config/topics/old"].data = "{}";
  before.znodes["/config/topics/t"].data = "{}";
  auto plan = plan_export(cluster(4), before);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->operations.size(), 3U + 1U + 1U + 10U) << "removals, configuration, epoch, top-level znodes";
  auto got = after(before, plan->operations);
  EXPECT_FALSE(got.znodes.contains("/brokers/topics/old"));
  EXPECT_FALSE(got.znodes.contains("/config/topics/old"));
  EXPECT_EQ(got.znodes["/config/topics/t"].data, cluster(4).znodes["/config/topics/t"].data);
}

TEST(ZnodeTransfer, RefusesAnotherCluster) {
  auto other = cluster(1, "the receiver");
  other.znodes["/cluster/id"].data = znodes::encode_cluster_id("another");
  EXPECT_EQ(refusal(plan_export(cluster(4), other)),
            "the receiver belongs to cluster another, and the giver to cluster the-cluster: nothing was written");
}

TEST(ZnodeTransfer, RefusesAGiverWithoutACluster) {
  EXPECT_EQ(refusal(plan_export({"the giver", {}}, cluster(4))), "the giver has no cluster: there is no /cluster/id");
}

TEST(ZnodeTransfer, RefusesAReceiverThatHadALaterController) {
  EXPECT_EQ(
      refusal(plan_export(cluster(4), cluster(5, "the receiver"))),
      "the receiver has had a later controller (epoch 5) than the giver (epoch 4): its topics are newer. Nothing was "
      "written");
}

TEST(ZnodeTransfer, RefusesAZooKeeperWithARegisteredBrokerOrAController) {
  auto used = cluster(1, "the receiver");
  used.znodes["/brokers/ids/7"] = {"{}", 0, true};
  EXPECT_TRUE(refusal(plan_export(cluster(4), used)).starts_with("broker 7 is registered in the receiver"));
  EXPECT_TRUE(refusal(plan_import(used, cluster(1), self)).starts_with("broker 7 is registered in the receiver"));
  auto controlled = cluster(1, "the receiver");
  controlled.znodes["/controller"].data =
      znodes::encode(znodes::ControllerRegistration{BrokerId(9), TimestampMs(1), -1});
  EXPECT_TRUE(refusal(plan_export(cluster(4), controlled)).starts_with("the receiver has a controller, broker 9"));
}

TEST(ZnodeTransfer, NamesTheZnodeThatItCannotRead) {
  auto damaged = cluster(4);
  damaged.znodes["/controller_epoch"].data = "x";
  EXPECT_TRUE(refusal(plan_export(damaged, empty_zookeeper())).starts_with("znode /controller_epoch of the giver: "));
}

TEST(ZnodeTransfer, KeepsTheLaterBlockOfProducerIds) {
  auto later = cluster(3, "the receiver");
  later.znodes["/latest_producer_id_block"].data =
      znodes::encode(znodes::ProducerIdBlock{self, ProducerId(7000), ProducerId(7999)});
  auto plan = plan_export(cluster(4), later);
  ASSERT_TRUE(plan);
  EXPECT_EQ(after(later, plan->operations).znodes["/latest_producer_id_block"],
            later.znodes["/latest_producer_id_block"]);
  auto earlier = cluster(3, "the receiver");
  earlier.znodes["/latest_producer_id_block"].data = "";
  plan = plan_export(cluster(4), earlier);
  ASSERT_TRUE(plan);
  EXPECT_EQ(after(earlier, plan->operations).znodes["/latest_producer_id_block"].data,
            cluster(4).znodes["/latest_producer_id_block"].data);
}

TEST(ZnodeTransfer, CountsGeneratedBrokerIdsOn) {
  auto giver = cluster(4);
  giver.znodes["/brokers/seqid"].version = 3;
  auto plan = plan_export(giver, empty_zookeeper());
  ASSERT_TRUE(plan);
  EXPECT_EQ(after(empty_zookeeper(), plan->operations).znodes["/brokers/seqid"].version, 3);
}

TEST(ZnodeTransfer, ImportsAClusterOfOneBrokerWhicheverItIs) {
  for (auto broker : {self, BrokerId::none()}) {
    auto plan = plan_import(cluster(4), {"the store", {}}, broker);
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_EQ(after({"the store", {}}, plan->operations).znodes[state_path].data, cluster(4).znodes[state_path].data);
  }
}

TEST(ZnodeTransfer, RefusesToImportReplicasOfOtherBrokers) {
  const std::string why = ": an embedded metadata store serves one broker";
  EXPECT_EQ(refusal(plan_import(cluster(4), {"the store", {}}, BrokerId(1))),
            "znode /brokers/topics/t of the giver: partition 0 of topic t has its replicas on broker 3, not on broker "
            "1 alone" +
                why);
  auto spread = cluster(4);
  spread.znodes[topic_path].data =
      znodes::encode(znodes::TopicAssignment{TopicId{}, {{PartitionIndex(0), {self, BrokerId(4)}, {}, {}}}});
  EXPECT_EQ(
      refusal(plan_import(spread, {"the store", {}}, self)),
      "znode /brokers/topics/t of the giver: partition 0 of topic t has its replicas on broker 3, 4, not on broker 3 "
      "alone" +
          why);
}

TEST(ZnodeTransfer, ElectsTheBrokerWhereKafkaLeftAPartitionWithoutALeader) {
  auto leaderless = cluster(4);
  leaderless.znodes[state_path].data =
      znodes::encode(znodes::PartitionState{BrokerId::none(), LeaderEpoch(6), ControllerEpoch(2), {self}, false});
  auto plan = plan_import(leaderless, {"the store", {}}, self);
  ASSERT_TRUE(plan) << plan.error().message;
  auto state = znodes::decode_partition_state(after({"the store", {}}, plan->operations).znodes[state_path].data);
  ASSERT_TRUE(state);
  EXPECT_EQ(*state, (znodes::PartitionState{self, LeaderEpoch(7), ControllerEpoch(4), {self}, false}));
}

class EmbeddedZnodesTest : public testing::Test {
 protected:
  [[nodiscard]] std::string directory() const { return directory_.path() + "/metadata"; }

  TemporaryDirectory directory_;
  SystemClock clock_;
};

TEST_F(EmbeddedZnodesTest, KeepsWhatWasImported) {
  auto plan = plan_import(cluster(4), {"the store", {}}, self);
  ASSERT_TRUE(plan);
  {
    auto store = EmbeddedZnodes::open(directory(), false);
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE((*store)->apply(plan->operations, clock_));
  }
  auto store = EmbeddedZnodes::open(directory(), true);
  ASSERT_TRUE(store) << store.error().message;
  auto read = (*store)->read();
  ASSERT_TRUE(read);
  for (const auto& [path, znode] : cluster(4).znodes) EXPECT_EQ(read->znodes[path].data, znode.data) << path;
  auto again = plan_import(cluster(4), *read, self);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->operations.empty());
}

TEST_F(EmbeddedZnodesTest, AppliesAllOrNothing) {
  auto store = EmbeddedZnodes::open(directory(), false);
  ASSERT_TRUE(store);
  EXPECT_FALSE((*store)->apply({CreateOperation{"/a", "1"}, CreateOperation{"/missing/b", "2"}}, clock_));
  EXPECT_FALSE((*store)->read()->znodes.contains("/a"));
}

TEST_F(EmbeddedZnodesTest, RefusesAStoreInUseAndOneThatIsNotThere) {
  EXPECT_EQ(EmbeddedZnodes::open(directory(), true).error().message, "there is no metadata store in " + directory());
  auto store = EmbeddedZnodes::open(directory(), false);
  ASSERT_TRUE(store);
  auto second = EmbeddedZnodes::open(directory(), true);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "a broker runs on the metadata store in " + directory() + ": stop it first");
}

}  // namespace
}  // namespace millrace::metadata
