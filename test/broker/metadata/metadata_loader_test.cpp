#include "broker/metadata/metadata_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/metadata/cluster_founding.h"
#include "broker/metadata/znodes/broker_registration.h"
#include "broker/metadata/znodes/controller_registration.h"
#include "broker/metadata/znodes/entity_config.h"
#include "broker/metadata/znodes/partition_state.h"
#include "broker/metadata/znodes/topic_assignment.h"
#include "broker/metadata/znodes/znode_paths.h"
#include "test/broker/metadata/embedded_fixture.h"

namespace millrace::metadata::test {
namespace {

class MetadataLoaderTest : public EmbeddedFixture {
 protected:
  void SetUp() override {
    open();
    admin_ = connect();
    auto founded = admin_->wait<std::string>(
        [&](auto reply) { found_cluster(admin_->store(), random(), "cluster", std::move(reply)); });
    ASSERT_TRUE(founded) << founded.error().message;
  }
  void TearDown() override {
    loader_.reset();
    client_.reset();
    admin_.reset();
  }

  StoreClient& admin() { return *admin_; }
  StoreClient& client() { return *client_; }
  const ClusterImage& image() { return *image_; }
  [[nodiscard]] int images() const { return images_; }

  // Starts the loader on a client of its own and waits for the first image.
  void load(FaultInjectingStore::Faults faults = {}) {
    client_ = connect_with_faults(faults);
    loader_ = std::make_unique<MetadataLoader>(client_->store(), [this](auto next, Job delivered) {
      image_ = std::move(next);
      ++images_;
      if (delivered) delivered();
    });
    bool loaded = false;
    loader_->start([&](const Status& status) { loaded = status.has_value(); });
    ASSERT_TRUE(wait_until(shard(), [&] { return loaded; }));
    ASSERT_TRUE(image_);
  }
  template <class Condition>
  bool comes_to(Condition condition) {
    return wait_until(shard(), [&] { return condition(*image_); });
  }

  void create_topic(const std::string& name, int partitions, std::uint8_t id = 1, bool with_states = true) {
    znodes::TopicAssignment assignment;
    assignment.id.bytes[0] = id;
    for (int index = 0; index < partitions; ++index)
      assignment.partitions.push_back({PartitionIndex(index), {BrokerId(1)}, {}, {}});
    ASSERT_TRUE(admin().create(znodes::topic_path(name), znodes::encode(assignment)));
    if (!with_states) return;
    ASSERT_TRUE(admin().create(znodes::partitions_path(name)));
    for (int index = 0; index < partitions; ++index) create_state(name, index, 1);
  }
  void create_state(const std::string& name, int index, int leader) {
    ASSERT_TRUE(admin().create(znodes::partition_path(name, PartitionIndex(index))));
    ASSERT_TRUE(admin().create(znodes::partition_state_path(name, PartitionIndex(index)), state_of(leader, 0)));
  }
  static std::string state_of(int leader, int epoch) {
    return znodes::encode(
        znodes::PartitionState{BrokerId(leader), LeaderEpoch(epoch), ControllerEpoch(1), {BrokerId(1)}, false});
  }
  void delete_topic(const std::string& name, int partitions) {
    for (int index = 0; index < partitions; ++index) {
      ASSERT_TRUE(admin().remove(znodes::partition_state_path(name, PartitionIndex(index))));
      ASSERT_TRUE(admin().remove(znodes::partition_path(name, PartitionIndex(index))));
    }
    ASSERT_TRUE(admin().remove(znodes::partitions_path(name)));
    ASSERT_TRUE(admin().remove(znodes::topic_path(name)));
  }
  void set_config(ConfigEntity entity, const std::string& name, const ConfigMap& config) {
    auto path = znodes::config_path(entity, name);
    auto payload = znodes::encode_config(config);
    if (!admin().set(path, payload)) {
      ASSERT_TRUE(admin().wait<void>([&](auto reply) { create_path(admin().store(), path, std::move(reply)); }));
      ASSERT_TRUE(admin().set(path, payload));
    }
    ASSERT_TRUE(admin().create(std::string(znodes::paths::config_change_prefix),
                               znodes::encode_config_change(znodes::entity_path(entity, name)),
                               CreateMode::persistent_sequential));
  }
  static std::string registration(int port) {
    return znodes::encode(
        znodes::BrokerRegistration{{{"PLAINTEXT", "PLAINTEXT", "localhost", port}}, std::nullopt, -1, TimestampMs(1)});
  }

 private:
  std::unique_ptr<StoreClient> admin_;
  std::unique_ptr<StoreClient> client_;
  std::unique_ptr<MetadataLoader> loader_;
  std::shared_ptr<const ClusterImage> image_;
  int images_ = 0;
};

BrokerId leader_of(const ClusterImage& image, const std::string& topic, int index) {
  const auto* partition = image.partition(topic, PartitionIndex(index));
  return partition == nullptr ? BrokerId(-2) : partition->leader;
}

TEST_F(MetadataLoaderTest, LoadsEverythingThatIsThereAtTheStart) {
  create_topic("a", 3);
  create_topic("b", 1, 2);
  set_config(ConfigEntity::topics, "a", {{"retention.ms", "5"}});
  set_config(ConfigEntity::brokers, "<default>", {{"log.cleaner.threads", "2"}});
  set_config(ConfigEntity::users, "u", {{"q", "1"}});
  set_config(ConfigEntity::users, "u/clients/c", {{"q", "2"}});
  auto broker = admin().create(znodes::broker_path(BrokerId(1)), registration(9092), CreateMode::ephemeral);
  ASSERT_TRUE(admin().create("/controller",
                             znodes::encode(znodes::ControllerRegistration{BrokerId(1), TimestampMs(1), -1}),
                             CreateMode::ephemeral));
  load();
  EXPECT_EQ(images(), 1) << "the first image is whole";
  EXPECT_EQ(image().cluster_id(), "cluster");
  EXPECT_EQ(image().controller(), BrokerId(1));
  EXPECT_EQ(image().topic_count(), 2U);
  EXPECT_EQ(image().partition_count(), 4U);
  EXPECT_EQ(leader_of(image(), "a", 2), BrokerId(1));
  EXPECT_EQ(image().partition("a", PartitionIndex(2))->partition_epoch, 0);
  EXPECT_EQ(image().topic_config("a")->at("retention.ms"), "5");
  EXPECT_EQ(image().config(ConfigEntity::brokers, "<default>")->at("log.cleaner.threads"), "2");
  EXPECT_EQ(image().config(ConfigEntity::users, "u")->at("q"), "1");
  EXPECT_EQ(image().config(ConfigEntity::users, "u/clients/c")->at("q"), "2");
  ASSERT_NE(image().broker(BrokerId(1)), nullptr);
  EXPECT_EQ(image().broker(BrokerId(1))->epoch.value(), broker->stat.czxid.value());
  EXPECT_EQ(image().broker(BrokerId(1))->endpoint("PLAINTEXT")->port, 9092);
}

TEST_F(MetadataLoaderTest, LoadsAnEmptyCluster) {
  load();
  EXPECT_EQ(image().topic_count(), 0U);
  EXPECT_EQ(image().controller(), std::nullopt);
}

TEST_F(MetadataLoaderTest, FollowsATopicFromItsCreationToItsDeletion) {
  load();
  create_topic("a", 2, 1, false);
  ASSERT_TRUE(comes_to([](const ClusterImage& now) { return leader_of(now, "a", 1) == BrokerId::none(); }))
      << "no state, no leader";
  ASSERT_TRUE(admin().create(znodes::partitions_path("a")));
  create_state("a", 0, 1);
  create_state("a", 1, 1);
  ASSERT_TRUE(comes_to([](const ClusterImage& now) {
    return leader_of(now, "a", 0) == BrokerId(1) && leader_of(now, "a", 1) == BrokerId(1);
  }));
  ASSERT_TRUE(admin().set(znodes::partition_state_path("a", PartitionIndex(1)), state_of(2, 1)));
  ASSERT_TRUE(comes_to([](const ClusterImage& now) { return leader_of(now, "a", 1) == BrokerId(2); }));
  EXPECT_EQ(image().partition("a", PartitionIndex(1))->partition_epoch, 1);
  ASSERT_TRUE(admin().set(znodes::partition_state_path("a", PartitionIndex(1)), state_of(3, 2)));
  ASSERT_TRUE(comes_to([](const ClusterImage& now) { return leader_of(now, "a", 1) == BrokerId(3); }))
      << "the watch was not left again";
  delete_topic("a", 2);
  ASSERT_TRUE(comes_to([](const ClusterImage& now) { return now.topic("a") == nullptr; }));
  create_topic("a", 1, 9);
  ASSERT_TRUE(comes_to([](const ClusterImage& now) { return leader_of(now, "a", 0) == BrokerId(1); }));
  EXPECT_EQ(image().topic("a")->id.bytes[0], 9);
  EXPECT_EQ(image().partition_count(), 1U);
}

TEST_F(MetadataLoaderTest, FollowsPartitionsThatAreAdded) {
  create_topic("a", 1);
  load();
  znodes::TopicAssignment grown;
  grown.id.bytes[0] = 1;
  for (int index = 0; index < 3; ++index) grown.partitions.push_back({PartitionIndex(index), {BrokerId(1)}, {}, {}});
  ASSERT_TRUE(admin().set(znodes::topic_path("a"), znodes::encode(grown)));
  create_state("a", 1, 1);
  create_state("a", 2, 1);
  ASSERT_TRUE(comes_to([](const ClusterImage& now) { return leader_of(now, "a", 2) == BrokerId(1); }));
  EXPECT_EQ(leader_of(image(), "a", 0), BrokerId(1)) << "what was known is kept";
}

TEST_F(MetadataLoaderTest, FollowsConfigurationsByTheirNotifications) {
  load();
  set_config(ConfigEntity::topics, "a", {{"retention.ms", "1"}});
  ASSERT_TRUE(comes_to([](const ClusterImage& now) { return now.topic_config("a")->contains("retention.ms"); }));
  set_config(ConfigEntity::topics, "a", {{"retention.ms", "2"}});
  set_config(ConfigEntity::users, "u/clients/c", {{"q", "2"}});
  ASSERT_TRUE(comes_to([](const ClusterImage& now) {
    return now.topic_config("a")->at("retention.ms") == "2" && !now.config(ConfigEntity::users, "u/clients/c")->empty();
  }));
  // The topic's configuration goes with the topic.
  ASSERT_TRUE(admin().remove(znodes::config_path(ConfigEntity::topics, "a")));
  ASSERT_TRUE(admin().create(std::string(znodes::paths::config_change_prefix), znodes::encode_config_change("topics/a"),
                             CreateMode::persistent_sequential));
  EXPECT_TRUE(comes_to([](const ClusterImage& now) { return now.topic_config("a")->empty(); }));
}

TEST_F(MetadataLoaderTest, FollowsBrokersAndTheControllerComingAndGoing) {
  load();
  auto broker = connect();
  auto first = broker->create(znodes::broker_path(BrokerId(7)), registration(1), CreateMode::ephemeral);
  auto controller = znodes::encode(znodes::ControllerRegistration{BrokerId(7), TimestampMs(1), -1});
  ASSERT_TRUE(broker->create("/controller", controller, CreateMode::ephemeral));
  ASSERT_TRUE(comes_to(
      [](const ClusterImage& now) { return now.broker(BrokerId(7)) != nullptr && now.controller() == BrokerId(7); }));
  // Gone and back before anybody looks.
  ASSERT_TRUE(broker->remove(znodes::broker_path(BrokerId(7))));
  auto second = broker->create(znodes::broker_path(BrokerId(7)), registration(2), CreateMode::ephemeral);
  ASSERT_TRUE(comes_to([&](const ClusterImage& now) {
    const auto* image = now.broker(BrokerId(7));
    return image != nullptr && image->epoch.value() == second->stat.czxid.value() && image->endpoints[0].port == 2;
  }));
  ASSERT_TRUE(broker->close());
  ASSERT_TRUE(comes_to([](const ClusterImage& now) { return now.brokers().empty() && !now.controller(); }));
  ASSERT_TRUE(broker->open());
  ASSERT_TRUE(broker->create("/controller", controller, CreateMode::ephemeral));
  EXPECT_TRUE(comes_to([](const ClusterImage& now) { return now.controller() == BrokerId(7); }));
}

TEST_F(MetadataLoaderTest, TellsMillracesBrokersFromKafkas) {
  const auto id = BrokerId(7);
  const auto mark = znodes::broker_mark_path(id);
  auto broker = connect();
  ASSERT_TRUE(broker->wait<void>([&](auto reply) { create_path(broker->store(), mark, std::move(reply)); }));
  auto registers = [&](int port, bool marks) {
    std::vector<Operation> operations{
        CreateOperation{znodes::broker_path(id), registration(port), CreateMode::ephemeral}};
    if (marks) operations.push_back(SetOperation{mark, std::string(znodes::paths::broker_mark)});
    auto done =
        broker->wait<MultiResult>([&](auto reply) { broker->store().multi(std::move(operations), std::move(reply)); });
    ASSERT_TRUE(done && done->applied());
  };
  auto known_as = [&](int port, bool is_millrace) {
    return comes_to([&](const ClusterImage& now) {
      const auto* image = now.broker(id);
      return image != nullptr && image->endpoints[0].port == port && image->is_millrace == is_millrace;
    });
  };
  load();
  registers(1, false);
  EXPECT_TRUE(known_as(1, false)) << "whose mark nobody has written to";
  EXPECT_EQ(image().kafka_broker(), image().broker(id));
  ASSERT_TRUE(broker->remove(znodes::broker_path(id)));
  registers(2, true);
  EXPECT_TRUE(known_as(2, true));
  EXPECT_EQ(image().kafka_broker(), nullptr);
  ASSERT_TRUE(broker->remove(znodes::broker_path(id)));
  registers(3, false);
  EXPECT_TRUE(known_as(3, false)) << "the id was Millrace's before";
  ASSERT_TRUE(broker->set(znodes::broker_path(id), registration(4)));
  EXPECT_TRUE(known_as(4, false));
  ASSERT_TRUE(admin().create(znodes::broker_path(BrokerId(8)), registration(5), CreateMode::ephemeral));
  EXPECT_TRUE(comes_to([](const ClusterImage& now) { return now.broker(BrokerId(8)) != nullptr; }));
  EXPECT_FALSE(image().broker(BrokerId(8))->is_millrace) << "that has no mark";
}

TEST_F(MetadataLoaderTest, KeepsWhatItKnewWhenAPayloadCannotBeRead) {
  create_topic("a", 1);
  create_topic("b", 1, 2);
  load();
  ASSERT_TRUE(admin().set(znodes::partition_state_path("a", PartitionIndex(0)), "damage"));
  ASSERT_TRUE(admin().set(znodes::partition_state_path("b", PartitionIndex(0)), state_of(5, 1)));
  ASSERT_TRUE(comes_to([](const ClusterImage& now) { return leader_of(now, "b", 0) == BrokerId(5); }));
  EXPECT_EQ(leader_of(image(), "a", 0), BrokerId(1));
  ASSERT_TRUE(admin().set(znodes::partition_state_path("a", PartitionIndex(0)), state_of(6, 2)));
  EXPECT_TRUE(comes_to([](const ClusterImage& now) { return leader_of(now, "a", 0) == BrokerId(6); }));
}

TEST_F(MetadataLoaderTest, ReadsEverythingAnewInTheSessionAfterAnExpiredOne) {
  create_topic("kept", 2);
  create_topic("gone", 1, 2);
  set_config(ConfigEntity::topics, "gone", {{"retention.ms", "1"}});
  set_config(ConfigEntity::topics, "kept", {{"retention.ms", "1"}});
  load();
  auto kept = image().topic("kept");
  faults_of(client()).expire_session();
  ASSERT_TRUE(client().hears("expired"));
  delete_topic("gone", 1);
  ASSERT_TRUE(admin().remove(znodes::config_path(ConfigEntity::topics, "gone")));
  create_topic("new", 1, 3);
  shard().advance(std::chrono::seconds(1));
  EXPECT_NE(image().topic("gone"), nullptr) << "without a session the last image stays";
  ASSERT_TRUE(client().open());
  ASSERT_TRUE(comes_to(
      [](const ClusterImage& now) { return leader_of(now, "new", 0) == BrokerId(1) && now.topic("gone") == nullptr; }));
  EXPECT_EQ(image().topic("kept"), kept) << "a topic that did not change changed its pointer";
  EXPECT_TRUE(image().topic_config("gone")->empty());
  EXPECT_FALSE(image().topic_config("kept")->empty());
  ASSERT_TRUE(admin().set(znodes::partition_state_path("kept", PartitionIndex(1)), state_of(4, 1)));
  EXPECT_TRUE(comes_to([](const ClusterImage& now) { return leader_of(now, "kept", 1) == BrokerId(4); }))
      << "its watch is gone";
}

TEST_F(MetadataLoaderTest, LoadsManyPartitionsQuicklyAndChangesOneCheaply) {
  constexpr int topics = 100;
  constexpr int partitions = 100;
  for (int topic = 0; topic < topics; ++topic) {
    auto name = "t" + std::to_string(topic);
    znodes::TopicAssignment assignment;
    assignment.id.bytes[0] = 1;
    assignment.id.bytes[1] = static_cast<std::uint8_t>(topic);
    std::vector<Operation> operations;
    for (int index = 0; index < partitions; ++index) {
      assignment.partitions.push_back({PartitionIndex(index), {BrokerId(1)}, {}, {}});
      operations.emplace_back(
          CreateOperation{znodes::partition_path(name, PartitionIndex(index)), "", CreateMode::persistent});
      operations.emplace_back(CreateOperation{znodes::partition_state_path(name, PartitionIndex(index)), state_of(1, 0),
                                              CreateMode::persistent});
    }
    ASSERT_TRUE(admin().create(znodes::topic_path(name), znodes::encode(assignment)));
    ASSERT_TRUE(admin().create(znodes::partitions_path(name)));
    auto made = admin().multi(std::move(operations));
    ASSERT_TRUE(made && made->applied());
  }
  auto started = SystemClock().now();
  load();
  RecordProperty("load_ms", static_cast<int>((SystemClock().now() - started) / std::chrono::milliseconds(1)));
  EXPECT_EQ(image().partition_count(), std::size_t{topics} * partitions);
  auto before = images();
  auto untouched = image().topic("t1");
  ASSERT_TRUE(admin().set(znodes::partition_state_path("t0", PartitionIndex(42)), state_of(9, 1)));
  ASSERT_TRUE(comes_to([](const ClusterImage& now) { return leader_of(now, "t0", 42) == BrokerId(9); }));
  EXPECT_EQ(images(), before + 1);
  EXPECT_EQ(image().topic("t1"), untouched);
}

TEST_F(MetadataLoaderTest, AnswersItsStartWhenItIsDestroyedFirst) {
  auto store = connect();
  std::optional<ErrorKind> kind;
  {
    MetadataLoader loader(store->store(), [](auto, auto) {});
    loader.start([&](const Status& status) { kind = kind_of(status); });
  }
  EXPECT_EQ(kind, ErrorKind::unavailable);
  shard().run();
}

// Whatever is lost on the way, the image ends up as the store is.
TEST_F(MetadataLoaderTest, EndsUpWithTheStoresStateThroughLossesAndExpiries) {
  create_topic("a", 3);
  load({.loss_before = 20'000,
        .loss_after = 20'000,
        .expiry = 0,
        .answer_delay_max = std::chrono::milliseconds(3),
        .reconnect_delay_max = std::chrono::milliseconds(30)});
  for (int round = 1; round <= 25; ++round) {
    auto name = "t" + std::to_string(round);
    create_topic(name, 2, static_cast<std::uint8_t>(round + 1));
    set_config(ConfigEntity::topics, name, {{"retention.ms", std::to_string(round)}});
    ASSERT_TRUE(admin().set(znodes::partition_state_path("a", PartitionIndex(round % 3)), state_of(round, round)));
    if (round % 3 == 0) delete_topic("t" + std::to_string(round - 1), 2);
    if (round % 8 == 0) {
      faults_of(client()).expire_session();
      client().store().open_session(std::nullopt);
    }
  }
  EXPECT_TRUE(comes_to([](const ClusterImage& now) {
    bool right = now.topic_count() == 1 + 25 - 8 && now.partition_count() == 3 + 2 * (25 - 8);
    for (int round = 23; round <= 25; ++round) right = right && leader_of(now, "a", round % 3) == BrokerId(round);
    return right && leader_of(now, "t25", 1) == BrokerId(1) && now.topic_config("t24")->contains("retention.ms");
  }));
  EXPECT_GT(faults_of(client()).faults_injected(), 3U);
}

}  // namespace
}  // namespace millrace::metadata::test
