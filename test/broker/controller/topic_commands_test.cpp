#include "broker/controller/topic_commands.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/base/random.h"
#include "broker/controller/controller_election.h"
#include "broker/metadata/cluster_founding.h"
#include "broker/metadata/embedded_store.h"
#include "broker/metadata/fault_injecting_store.h"
#include "broker/metadata/znodes/broker_registration.h"
#include "broker/metadata/znodes/partition_state.h"
#include "broker/metadata/znodes/topic_assignment.h"
#include "broker/metadata/znodes/znode_paths.h"
#include "test/broker/base/temporary_directory.h"
#include "test/broker/metadata/store_client.h"

namespace millrace::controller {
namespace {

using metadata::FaultInjectingStore;
using metadata::test::StoreClient;
namespace znodes = metadata::znodes;

constexpr BrokerId broker{1};

// One founded cluster with a registered broker that is its controller; faults on command or by seed.
class Commands : public testing::Test {
 protected:
  void SetUp() override {
    store_ = metadata::EmbeddedStore::open({directory_.path()}, clock_, random_).value();
    auto faulty =
        std::make_unique<FaultInjectingStore>(store_->connect(shard_), FaultInjectingStore::Faults{}, random_);
    faults_ = faulty.get();
    client_ = std::make_unique<StoreClient>(shard_, std::move(faulty));
    observer_ = std::make_unique<StoreClient>(shard_, store_->connect(shard_));
    ASSERT_TRUE(client_->open());
    ASSERT_TRUE(observer_->open());
    ASSERT_TRUE(client_->wait<std::string>(
        [&](auto reply) { metadata::found_cluster(client_->store(), random_, "", std::move(reply)); }));
    ASSERT_TRUE(observer_->create(znodes::broker_path(broker), znodes::encode(znodes::BrokerRegistration{}),
                                  metadata::CreateMode::ephemeral));
    term_ = elect().value().value();
    commands_ = std::make_unique<TopicCommands>(client_->store(), term_);
  }
  void TearDown() override {
    commands_.reset();
    client_.reset();
    observer_.reset();
    shard_.run();
    store_.reset();
  }

  Result<std::optional<ControllerTerm>> elect() {
    return client_->wait<std::optional<ControllerTerm>>(
        [&](auto reply) { elect_controller(client_->store(), broker, TimestampMs(5), std::move(reply)); });
  }
  Status create(const NewTopic& topic) {
    return client_->wait<void>([&](auto reply) { commands_->create(topic, std::move(reply)); });
  }
  Status remove(const std::string& name) {
    return client_->wait<void>([&](auto reply) { commands_->remove(name, std::move(reply)); });
  }
  Status resume() {
    return client_->wait<void>([&](auto reply) { commands_->resume(std::move(reply)); });
  }
  Status grow(const std::string& name, std::size_t count) {
    return grow(name, [count](const znodes::TopicAssignment& standing) {
      return std::vector<std::vector<BrokerId>>(count - std::min(count, standing.partitions.size()), {broker});
    });
  }
  Status grow(const std::string& name, TopicCommands::GrowthPlan plan) {
    return client_->wait<void>([&](auto reply) { commands_->grow(name, std::move(plan), std::move(reply)); });
  }
  NewTopic topic(const std::string& name, std::size_t partitions) {
    return {
        name, Uuid::random(random_), std::vector<std::vector<BrokerId>>(partitions, {broker}), {{"retention.ms", "5"}}};
  }
  std::size_t partition_states(const std::string& name) {
    auto folders = observer_->children(znodes::partitions_path(name));
    std::size_t count = 0;
    for (std::size_t i = 0; folders && i < folders->names.size(); ++i) {
      auto state = observer_->get(znodes::partition_state_path(name, PartitionIndex(static_cast<std::int32_t>(i))));
      if (state && znodes::decode_partition_state(state->data)->leader == broker) ++count;
    }
    return count;
  }
  bool there(const std::string& path) { return observer_->exists(path).value().has_value(); }

  TemporaryDirectory directory_;
  SystemClock clock_;
  SeededRandom random_{42};
  ManualShard shard_;
  std::unique_ptr<metadata::EmbeddedStore> store_;
  FaultInjectingStore* faults_ = nullptr;
  std::unique_ptr<StoreClient> client_;
  std::unique_ptr<StoreClient> observer_;
  ControllerTerm term_{};
  std::unique_ptr<TopicCommands> commands_;
};

TEST_F(Commands, CreateATopicWithItsConfigurationAndALeaderForEveryPartition) {
  auto wanted = topic("orders", 1201);  // more than two multis
  ASSERT_TRUE(create(wanted));
  auto znode = znodes::decode_topic_assignment(observer_->get(znodes::topic_path("orders"))->data);
  EXPECT_EQ(znode->id, wanted.id);
  EXPECT_EQ(znode->partitions.size(), 1201u);
  EXPECT_EQ(partition_states("orders"), 1201u);
  EXPECT_EQ(observer_->get("/config/topics/orders")->data, R"({"version":1,"config":{"retention.ms":"5"}})");
}

TEST_F(Commands, RefuseASecondTopicOfTheNameAndOneThatIsBeingDeleted) {
  ASSERT_TRUE(create(topic("orders", 1)));
  EXPECT_EQ(create(topic("orders", 1)).error().kind, ErrorKind::already_exists);
  ASSERT_TRUE(observer_->create("/admin/delete_topics/doomed"));
  EXPECT_EQ(create(topic("doomed", 1)).error().kind, ErrorKind::already_exists);
}

TEST_F(Commands, DeleteEverythingOfATopicAndAllowItsNameAgain) {
  auto first = topic("orders", 700);
  ASSERT_TRUE(create(first));
  ASSERT_TRUE(remove("orders"));
  for (std::string path : {"/brokers/topics/orders", "/config/topics/orders", "/admin/delete_topics/orders"})
    EXPECT_FALSE(there(path)) << path;
  EXPECT_EQ(remove("orders").error().kind, ErrorKind::not_found);
  auto second = topic("orders", 2);
  ASSERT_TRUE(create(second));
  EXPECT_EQ(partition_states("orders"), 2u);
}

TEST_F(Commands, AddPartitionsBehindThoseThatAreThereWithALeaderEach) {
  auto wanted = topic("orders", 2);
  ASSERT_TRUE(create(wanted));
  ASSERT_TRUE(grow("orders", 1203));  // more than two multis
  auto znode = znodes::decode_topic_assignment(observer_->get(znodes::topic_path("orders"))->data);
  EXPECT_EQ(znode->id, wanted.id);
  EXPECT_EQ(znode->partitions.size(), 1203u);
  EXPECT_EQ(partition_states("orders"), 1203u);
}

TEST_F(Commands, LeaveATopicAsItIsThatIsNotToGrow) {
  ASSERT_TRUE(create(topic("orders", 2)));
  const auto before = observer_->get(znodes::topic_path("orders"))->stat.version;
  EXPECT_TRUE(grow("orders", 1));
  EXPECT_EQ(observer_->get(znodes::topic_path("orders"))->stat.version, before);
  EXPECT_EQ(grow("payments", 1).error().kind, ErrorKind::not_found);
  ASSERT_TRUE(observer_->create("/admin/delete_topics/orders"));
  EXPECT_EQ(grow("orders", 3).error().kind, ErrorKind::not_empty);
}

TEST_F(Commands, PlanTheGrowthAnewWhenSomebodyElseWroteInBetween) {
  ASSERT_TRUE(create(topic("orders", 1)));
  std::vector<std::size_t> seen;
  auto plan = [&](const znodes::TopicAssignment& standing) -> std::vector<std::vector<BrokerId>> {
    seen.push_back(standing.partitions.size());
    if (seen.size() == 1) {
      // Behind the plan's back, as another tool would: one partition more.
      auto changed = standing;
      changed.partitions.push_back({PartitionIndex(1), {broker}, {}, {}});
      observer_->store().set(znodes::topic_path("orders"), znodes::encode(changed), metadata::any_version,
                             [](const auto&) {});
    }
    return std::vector<std::vector<BrokerId>>(4 - standing.partitions.size(), {broker});
  };
  ASSERT_TRUE(grow("orders", plan));
  EXPECT_EQ(seen, (std::vector<std::size_t>{1, 2}));
  EXPECT_EQ(znodes::decode_topic_assignment(observer_->get(znodes::topic_path("orders"))->data)->partitions.size(), 4u);
  EXPECT_EQ(partition_states("orders"), 4u);
}

TEST_F(Commands, GrowOnceWhenTheAnswerWasLost) {
  ASSERT_TRUE(create(topic("orders", 1)));
  faults_->set_faults(
      {.loss_before = 100'000, .loss_after = 100'000, .reconnect_delay_max = std::chrono::milliseconds(2)});
  for (std::size_t count = 2; count < 30; ++count) {
    // Three more each time, whatever there is: grown twice it would be six.
    auto three_more = [](const auto&) { return std::vector<std::vector<BrokerId>>(3, {broker}); };
    const auto before =
        znodes::decode_topic_assignment(observer_->get(znodes::topic_path("orders"))->data)->partitions.size();
    ASSERT_TRUE(grow("orders", three_more));
    EXPECT_EQ(partition_states("orders"), before + 3);
  }
  EXPECT_GT(faults_->faults_injected(), 20u);
}

TEST_F(Commands, WriteNothingOnceAnotherControllerHasRaisedTheEpoch) {
  ASSERT_TRUE(create(topic("orders", 1)));
  ASSERT_TRUE(observer_->set("/controller_epoch", "99"));
  EXPECT_EQ(create(topic("payments", 1)).error().kind, ErrorKind::conflict);
  EXPECT_FALSE(there("/brokers/topics/payments"));
  EXPECT_EQ(remove("orders").error().kind, ErrorKind::conflict);
  EXPECT_TRUE(there("/brokers/topics/orders/partitions/0/state"));
}

TEST_F(Commands, KnowTheirOwnWorkAgainWhenTheAnswerWasLost) {
  faults_->set_faults(
      {.loss_before = 100'000, .loss_after = 100'000, .reconnect_delay_max = std::chrono::milliseconds(2)});
  for (int round = 0; round < 20; ++round) {
    const std::string name = "topic" + std::to_string(round);
    auto created = create(topic(name, 3));
    ASSERT_TRUE(created) << created.error().message;
    EXPECT_EQ(partition_states(name), 3u);
    if (round % 2 == 0) continue;
    auto removed = remove(name);
    ASSERT_TRUE(removed) << removed.error().message;
    EXPECT_FALSE(there(znodes::topic_path(name)));
    EXPECT_FALSE(there(znodes::delete_topic_path(name)));
  }
  EXPECT_GT(faults_->faults_injected(), 20u);
}

TEST_F(Commands, FinishWhatAnEarlierControllerLeftHalfDone) {
  ASSERT_TRUE(create(topic("complete", 3)));
  ASSERT_TRUE(create(topic("doomed", 3)));
  // Died after the topic's znode; died after some partitions; died in the middle of a deletion.
  znodes::TopicAssignment assignment{Uuid::random(random_),
                                     {{PartitionIndex(0), {broker}, {}, {}}, {PartitionIndex(1), {broker}, {}, {}}}};
  ASSERT_TRUE(observer_->create("/brokers/topics/young", znodes::encode(assignment)));
  ASSERT_TRUE(observer_->remove("/brokers/topics/complete/partitions/1/state"));
  ASSERT_TRUE(observer_->remove("/brokers/topics/complete/partitions/1"));
  ASSERT_TRUE(observer_->create("/admin/delete_topics/doomed"));
  ASSERT_TRUE(observer_->remove("/brokers/topics/doomed/partitions/2/state"));
  ASSERT_TRUE(resume());
  EXPECT_EQ(partition_states("young"), 2u);
  EXPECT_EQ(partition_states("complete"), 3u);
  EXPECT_FALSE(there("/brokers/topics/doomed"));
  EXPECT_FALSE(there("/admin/delete_topics/doomed"));
  EXPECT_FALSE(there("/config/topics/doomed"));
}

TEST_F(Commands, LeaveATopicAloneWhoseZnodeCannotBeRead) {
  ASSERT_TRUE(observer_->create("/brokers/topics/broken", "{"));
  ASSERT_TRUE(create(topic("orders", 1)));
  EXPECT_TRUE(resume());
  EXPECT_TRUE(there("/brokers/topics/broken"));
}

TEST_F(Commands, ElectNobodyWhileAnotherBrokerIsTheController) {
  auto again = elect();
  ASSERT_TRUE(again);
  // The same session's own znode: an answer that was lost is no lost election.
  EXPECT_TRUE(again->has_value());
  StoreClient rival(shard_, store_->connect(shard_));
  ASSERT_TRUE(rival.open());
  auto lost = rival.wait<std::optional<ControllerTerm>>(
      [&](auto reply) { elect_controller(rival.store(), BrokerId(2), TimestampMs(6), std::move(reply)); });
  ASSERT_TRUE(lost);
  EXPECT_FALSE(lost->has_value());
  EXPECT_EQ(observer_->get("/controller_epoch")->data, std::to_string(term_.epoch.value()));
}

TEST_F(Commands, RaiseTheEpochWithEveryElection) {
  const auto first = term_.epoch;
  ASSERT_TRUE(client_->close());
  ASSERT_TRUE(client_->open());
  auto second = elect();
  ASSERT_TRUE(second && second->has_value());
  EXPECT_EQ((*second)->epoch, first + 1);
}

}  // namespace
}  // namespace millrace::controller
