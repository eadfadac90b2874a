// What a broker hosts follows the cluster's images, over real logs on several shards.
#include "broker/replication/replica_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/broker/log/log_world.h"

namespace millrace::replication {
namespace {

using log::test::make_batch;

constexpr BrokerId self{7};
constexpr BrokerId other{8};
constexpr TopicId first_id{{1}};
constexpr TopicId second_id{{2}};

class ManualShards final : public ShardGroup {
 public:
  [[nodiscard]] std::size_t size() const override { return shards_.size(); }
  [[nodiscard]] ManualShard& at(ShardId id) override { return *shards_[id]; }
  void run() {
    for (std::size_t ran = 1; ran > 0;) {
      ran = 0;
      for (auto& shard : shards_) ran += shard->run();
    }
  }
  void advance(Duration duration) {
    for (auto& shard : shards_) shard->advance(duration);
    run();
  }

 private:
  std::vector<std::unique_ptr<ManualShard>> shards_ = [] {
    std::vector<std::unique_ptr<ManualShard>> made;
    for (ShardId id = 0; id < 3; ++id) made.push_back(std::make_unique<ManualShard>(id));
    return made;
  }();
};

// What it was told, in words: "events-0 led in 3", "events-0 resigned".
class Observer final : public LeadershipObserver {
 public:
  void on_leading(ShardId shard, const TopicPartition& key, const std::shared_ptr<Partition>& partition) override {
    EXPECT_TRUE(partition->is_leader());
    note(shard, key, "led in " + std::to_string(partition->leader_epoch().value()));
  }
  void on_resigned(ShardId shard, const TopicPartition& key) override { note(shard, key, "resigned"); }
  std::vector<std::string> take() { return std::exchange(heard_, {}); }

 private:
  void note(ShardId shard, const TopicPartition& key, const std::string& what) {
    EXPECT_EQ(shard, owner_of(key.topic, key.partition, 3));
    heard_.push_back(key.topic + "-" + std::to_string(key.partition.value()) + " " + what);
  }

  std::vector<std::string> heard_;
};

struct Replicas : testing::Test {
  void SetUp() override {
    options.directories = {directory.path() + "/data"};
    options.cluster_id = "1gdzRcRMRMyxOSdkj0JfkA";
    options.broker_id = self;
    start();
  }
  void TearDown() override { stop(); }
  void start() {
    auto& home = shards.at(0);
    logs = std::make_unique<log::LogManager>(
        options, files, home.clock(), home.pool(), random, [this](const TopicPartition& partition) -> Shard& {
          return shards.at(owner_of(partition.topic, partition.partition, shards.size()));
        });
    ASSERT_TRUE(logs->open_directories());
    ASSERT_TRUE(logs->load([](const std::string&) { return log::LogConfig{}; }));
    cache = std::make_unique<metadata::MetadataCache>(shards);
    replicas = std::make_unique<ReplicaManager>(
        shards, PartitionTable::Environment{self, logs.get(),
                                            [](ShardId /*shard*/, const metadata::ConfigMap& overrides) {
                                              PartitionConfig config;
                                              if (auto at = overrides.find("min.insync.replicas");
                                                  at != overrides.end())
                                                config.min_in_sync_replicas = std::stoul(at->second);
                                              return config;
                                            },
                                            &observer});
    bool following = false;
    replicas->follow(*cache, home, [&] { following = true; });
    shards.run();
    ASSERT_TRUE(following);
  }
  void stop() {
    shards.run();
    replicas.reset();
    cache.reset();
    shards.run();
    if (logs != nullptr) EXPECT_TRUE(logs->close(BrokerEpoch(1)));
    logs.reset();
    shards.run();
  }

  static metadata::PartitionImage led_by(BrokerId leader, std::int32_t index = 0, std::int32_t epoch = 0,
                                         std::vector<BrokerId> isr = {self}, std::vector<BrokerId> hosts = {self}) {
    metadata::PartitionImage partition;
    partition.index = PartitionIndex(index);
    partition.leader = leader;
    partition.leader_epoch = LeaderEpoch(epoch);
    partition.replicas = std::move(hosts);
    partition.isr = std::move(isr);
    return partition;
  }
  void set_topic(const TopicId& id, std::vector<metadata::PartitionImage> partitions = {led_by(self)}) {
    builder.set_topic({"events", id, std::move(partitions)});
  }
  // On its way, not yet anywhere.
  std::shared_ptr<const metadata::ClusterImage> begin_publish() {
    auto image = builder.build();
    cache->publish(image, shards.at(0));
    return image;
  }
  std::shared_ptr<const metadata::ClusterImage> publish() {
    auto image = begin_publish();
    shards.run();
    return image;
  }
  void publish(const std::shared_ptr<const metadata::ClusterImage>& image) {
    cache->publish(image, shards.at(0));
    shards.run();
  }
  PartitionTable& table(std::int32_t index = 0) {
    return replicas->table(owner_of("events", PartitionIndex(index), 3));
  }
  std::shared_ptr<Partition> find(std::int32_t index = 0) { return table(index).find("events", PartitionIndex(index)); }
  std::optional<PartitionAppendOutcome> append(const std::string& value, bool all_replicas = false) {
    auto bytes = make_batch({.values = {value}});
    std::optional<PartitionAppendOutcome> outcome;
    find()->append({bytes, TimestampMs(1'700'000'000'000), all_replicas},
                   [&](PartitionAppendOutcome got) { outcome = std::move(got); });
    shards.run();
    return outcome;
  }
  Offset end() { return find()->log()->log_end_offset(); }
  [[nodiscard]] std::vector<std::string> directories() const {
    std::vector<std::string> found;
    for (const auto& name : log::test::names_in(options.directories.front())) {
      if (name.starts_with("events")) found.push_back(name);
    }
    return found;
  }

  TemporaryDirectory directory;
  log::test::FaultFileSystem files;
  SeededRandom random{5};
  log::LogManagerOptions options;
  Observer observer;
  ManualShards shards;
  std::unique_ptr<log::LogManager> logs;
  std::unique_ptr<metadata::MetadataCache> cache;
  std::unique_ptr<ReplicaManager> replicas;
  metadata::ClusterImageBuilder builder;
};

TEST_F(Replicas, TellWhoeverWantsToKnowWhichTheyLead) {
  using Heard = std::vector<std::string>;
  set_topic(first_id, {led_by(self, 0), led_by(other, 1, 4, {other}, {other, self})});
  publish();
  EXPECT_EQ(observer.take(), Heard{"events-0 led in 0"});
  set_topic(first_id, {led_by(self, 0, 0, {self, other}), led_by(self, 1, 5, {other}, {other, self})});
  publish();
  EXPECT_EQ(observer.take(), Heard{"events-1 led in 5"}) << "the first one's term goes on";
  set_topic(first_id, {led_by(self, 0, 1), led_by(other, 1, 6, {other}, {other, self})});
  publish();
  EXPECT_THAT(observer.take(), testing::UnorderedElementsAre("events-0 led in 1", "events-1 resigned"));
  set_topic(second_id);
  publish();
  EXPECT_EQ(observer.take(), (Heard{"events-0 resigned", "events-0 led in 0"})) << "deleted and made again";
}

TEST_F(Replicas, AreMadeAndLedAsTheImageSaysEachOnItsShard) {
  set_topic(first_id,
            {led_by(self, 0), led_by(other, 1, 4, {other}, {other, self}), led_by(other, 2, 0, {other}, {other})});
  publish();
  ASSERT_NE(find(0), nullptr);
  EXPECT_TRUE(find(0)->is_leader());
  ASSERT_NE(find(1), nullptr);
  EXPECT_FALSE(find(1)->is_leader());
  EXPECT_EQ(find(2), nullptr) << "hosted elsewhere";
  for (ShardId id = 0; id < 3; ++id) {
    for (std::int32_t index : {0, 1}) {
      const bool owner = id == owner_of("events", PartitionIndex(index), 3);
      EXPECT_EQ(replicas->table(id).find("events", PartitionIndex(index)) != nullptr, owner);
    }
  }
  EXPECT_EQ(&replicas->owner("events", PartitionIndex(1)), &find(1)->log()->shard());
  EXPECT_EQ(directories(), (std::vector<std::string>{"events-0", "events-1"}));
}

TEST_F(Replicas, FollowLeadershipBackAndForth) {
  set_topic(first_id);
  publish();
  auto partition = find();
  ASSERT_TRUE(append("a"));
  set_topic(first_id, {led_by(other, 0, 1, {other}, {self, other})});
  publish();
  EXPECT_EQ(find(), partition);
  EXPECT_FALSE(partition->is_leader());
  set_topic(first_id, {led_by(self, 0, 2, {self, other}, {self, other})});
  publish();
  EXPECT_EQ(partition->leader_epoch(), LeaderEpoch(2));
  EXPECT_EQ(partition->high_watermark(), Offset(1));
}

TEST_F(Replicas, LoseTheirLogsWithTheirTopicAndWakeWhoWaits) {
  set_topic(first_id);
  publish();
  int wakes = 0;
  find()->wait_for_records(std::make_shared<FetchWait>(shards.at(0), 1000, [&] { ++wakes; }), Offset(0));
  builder.remove_topic("events");
  publish();
  EXPECT_EQ(find(), nullptr);
  EXPECT_EQ(table().size(), 0U);
  EXPECT_EQ(wakes, 1);
  ASSERT_EQ(directories().size(), 1U);
  EXPECT_TRUE(directories().front().ends_with("-delete"));
  shards.advance(std::chrono::minutes(2));
  EXPECT_TRUE(directories().empty());
}

TEST_F(Replicas, LoseTheirLogsWhenTheyMoveElsewhere) {
  set_topic(first_id);
  publish();
  set_topic(first_id, {led_by(other, 0, 1, {other}, {other})});
  publish();
  EXPECT_EQ(find(), nullptr);
}

TEST_F(Replicas, StartEmptyWhenTheirTopicIsDeletedAndMadeAgain) {
  set_topic(first_id);
  publish();
  ASSERT_TRUE(append("old"));
  for (bool in_one_image : {true, false}) {
    const auto id = in_one_image ? second_id : first_id;
    if (!in_one_image) {
      builder.remove_topic("events");
      begin_publish();
    }
    set_topic(id);
    begin_publish();
    shards.run();
    ASSERT_NE(find(), nullptr);
    EXPECT_EQ(find()->log()->topic_id(), id);
    EXPECT_TRUE(find()->is_leader());
    EXPECT_EQ(end(), Offset(0));
    ASSERT_TRUE(append("new"));
  }
}

TEST_F(Replicas, StartEmptyWhenTheirTopicWasMadeAgainWhileTheBrokerWasAway) {
  set_topic(first_id);
  publish();
  ASSERT_TRUE(append("old"));
  stop();
  start();
  set_topic(second_id);
  publish();
  ASSERT_NE(find(), nullptr);
  EXPECT_EQ(find()->log()->topic_id(), second_id);
  EXPECT_EQ(end(), Offset(0));
}

TEST_F(Replicas, KeepTheirRecordsOverARestart) {
  set_topic(first_id);
  publish();
  ASSERT_TRUE(append("kept"));
  stop();
  start();
  publish();
  ASSERT_NE(find(), nullptr);
  EXPECT_EQ(end(), Offset(1));
}

TEST_F(Replicas, KeepTheRecordsOfADirectoryFromBeforeTopicIds) {
  set_topic(TopicId{});
  publish();
  ASSERT_NE(find(), nullptr);
  ASSERT_TRUE(append("kept"));
  EXPECT_TRUE(find()->log()->topic_id().is_zero());
  set_topic(first_id);  // the controller has given it one
  publish();
  EXPECT_EQ(end(), Offset(1));
  stop();
  start();
  publish();
  ASSERT_NE(find(), nullptr);
  EXPECT_EQ(end(), Offset(1)) << "a directory without an id belongs to the topic that there is";
  set_topic(second_id);
  publish();
  EXPECT_EQ(end(), Offset(0)) << "and to no other one";
  stop();
  start();
  EXPECT_EQ(logs->logs().front()->topic_id(), second_id);
}

TEST_F(Replicas, RememberTheTopicIdThatTheirDirectoryWasGiven) {
  set_topic(TopicId{});
  publish();
  stop();
  start();
  set_topic(first_id);
  publish();
  ASSERT_TRUE(append("of the first"));
  stop();
  start();
  EXPECT_EQ(logs->logs().front()->topic_id(), first_id);
  set_topic(second_id);
  publish();
  EXPECT_EQ(end(), Offset(0));
}

TEST_F(Replicas, NeedNoMoreInSyncThanThereAre) {
  builder.set_config(metadata::ConfigEntity::topics, "events", {{"min.insync.replicas", "2"}});
  set_topic(first_id);
  publish();
  EXPECT_TRUE(append("v", true)->has_value());
  builder.set_config(metadata::ConfigEntity::topics, "events", {{"min.insync.replicas", "3"}});
  publish();
  EXPECT_TRUE(append("v", true)->has_value());
}

TEST_F(Replicas, TakeChangedConfigurations) {
  builder.set_config(metadata::ConfigEntity::topics, "events", {{"min.insync.replicas", "2"}});
  set_topic(first_id, {led_by(self, 0, 0, {self}, {self, other})});
  publish();
  auto refused = append("v", true);
  ASSERT_TRUE(refused && !*refused);
  EXPECT_EQ(refused->error().refusal, PartitionRefusal::not_enough_replicas);
  builder.set_config(metadata::ConfigEntity::topics, "events", {});
  publish();
  EXPECT_TRUE(append("v", true)->has_value());
}

TEST_F(Replicas, AreSettledWhenTheyServe) {
  set_topic(first_id, {led_by(self, 0), led_by(self, 1), led_by(other, 2, 0, {other}, {other})});
  auto image = begin_publish();
  bool settled = false;
  replicas->when_settled(shards.at(1), *image, "events", [&] {
    settled = true;
    EXPECT_TRUE(find(0) && find(0)->is_leader() && find(1) && find(1)->is_leader());
    EXPECT_TRUE(shards.at(1).is_current());
  });
  EXPECT_FALSE(settled);
  shards.run();
  EXPECT_TRUE(settled);
  settled = false;
  replicas->when_settled(shards.at(1), *image, "events", [&] { settled = true; });
  shards.run();
  EXPECT_TRUE(settled) << "long since";
}

TEST_F(Replicas, SettleForATopicOnlyWhenItAndNotItsPredecessorIsServed) {
  set_topic(first_id);
  publish();
  builder.remove_topic("events");
  auto without = builder.build();
  set_topic(second_id);
  auto with = builder.build();
  bool settled = false;
  // The word of the new topic overtakes the images: the shard goes through the removal of the old one first.
  table().when_settled("events", PartitionIndex(0), with->sequence(), [&] {
    settled = true;
    ASSERT_NE(find(), nullptr);
    EXPECT_EQ(find()->log()->topic_id(), second_id);
  });
  publish(without);
  EXPECT_FALSE(settled);
  publish(with);
  EXPECT_TRUE(settled);
}

TEST_F(Replicas, SettleWhenTheTopicIsGoneBeforeTheQuestionArrives) {
  set_topic(first_id);
  auto image = builder.build();
  publish(image);
  builder.remove_topic("events");
  publish();
  bool settled = false;
  table().when_settled("events", PartitionIndex(0), image->sequence(), [&] { settled = true; });
  EXPECT_TRUE(settled);
}

TEST_F(Replicas, SettleWhenTheTopicIsGoneAgain) {
  set_topic(first_id);
  auto image = begin_publish();
  bool settled = false;
  replicas->when_settled(shards.at(0), *image, "events", [&] { settled = true; });
  builder.remove_topic("events");
  begin_publish();
  shards.run();
  EXPECT_TRUE(settled);
}

TEST_F(Replicas, AreOfflineWithoutTheirLogAndTryAgain) {
  files.faults->open_failure = ErrorKind::resource_exhausted;
  files.faults->fail_open = [](const std::string& path) { return path.ends_with(".index"); };
  set_topic(first_id);
  auto image = begin_publish();
  bool settled = false;
  replicas->when_settled(shards.at(0), *image, "events", [&] { settled = true; });
  shards.run();
  EXPECT_TRUE(settled) << "there is an answer, a bad one";
  EXPECT_TRUE(table().is_offline("events", PartitionIndex(0)));
  EXPECT_EQ(find(), nullptr);
  int attempts = 0;
  files.faults->fail_open = [&](const std::string& path) {
    const bool fails = path.ends_with(".index");
    attempts += fails ? 1 : 0;
    return fails;
  };
  for (std::int32_t epoch = 1; epoch <= 10; ++epoch) {  // each image tries at once
    set_topic(first_id, {led_by(self, 0, epoch)});
    publish();
    shards.advance(std::chrono::milliseconds(400));
  }
  attempts = 0;
  shards.advance(std::chrono::seconds(5));
  EXPECT_EQ(attempts, 1) << "and one timer tries later, not one of each";
  files.faults->fail_open = nullptr;
  shards.advance(std::chrono::seconds(6));
  ASSERT_NE(find(), nullptr);
  EXPECT_FALSE(table().is_offline("events", PartitionIndex(0)));
  EXPECT_EQ(find()->leader_epoch(), LeaderEpoch(10));
}

// ---- a disk that fails

struct ReplicasOnTwoDisks : Replicas {
  void SetUp() override {
    options.directories = {directory.path() + "/good", directory.path() + "/bad"};
    options.cluster_id = "1gdzRcRMRMyxOSdkj0JfkA";
    options.broker_id = self;
    start();
  }
  // Partitions 0 and 1: one lies in each directory.
  void make_partitions(std::int32_t count = 2) {
    std::vector<metadata::PartitionImage> partitions;
    for (std::int32_t index = 0; index < count; ++index) partitions.push_back(led_by(self, index));
    set_topic(first_id, std::move(partitions));
    publish();
    on_bad_disk = find(0)->log()->directory().find("/bad/") != std::string::npos ? 0 : 1;
  }
  [[nodiscard]] std::int32_t on_good_disk() const { return 1 - on_bad_disk; }
  void fill_disk() {
    files.faults->only_for = [](const std::string& path) { return path.find("/bad/") != std::string::npos; };
    files.faults->writable_bytes = 0;
  }
  PartitionAppendOutcome append_to(std::int32_t index) {
    auto bytes = make_batch({.values = {"value"}});
    std::optional<PartitionAppendOutcome> outcome;
    find(index)->append({.batches = bytes, .now = TimestampMs(0)}, [&](auto got) { outcome = std::move(got); });
    shards.run();
    return std::move(*outcome);
  }

  std::int32_t on_bad_disk = 0;
};

TEST_F(ReplicasOnTwoDisks, OfTheBadOneAreOfflineAndWakeWhoWaits) {
  make_partitions();
  auto partition = find(on_bad_disk);
  int woken = 0;
  auto wait = std::make_shared<FetchWait>(shards.at(owner_of("events", PartitionIndex(on_bad_disk), 3)), 1,
                                          [&woken] { ++woken; });
  partition->wait_for_records(wait, Offset(0));
  fill_disk();
  observer.take();
  auto refused = append_to(on_bad_disk);
  ASSERT_FALSE(refused);
  EXPECT_EQ(observer.take(), std::vector{"events-" + std::to_string(on_bad_disk) + " resigned"});
  EXPECT_EQ(refused.error().error.kind, log::AppendErrorKind::storage);
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(find(on_bad_disk), nullptr);
  EXPECT_TRUE(table(on_bad_disk).is_offline("events", PartitionIndex(on_bad_disk)));
  std::optional<PartitionFetchOutcome> fetched;
  partition->fetch({.offset = Offset(0), .max_bytes = 100}, [&](auto got) { fetched = std::move(got); });
  ASSERT_TRUE(fetched && !*fetched);
  EXPECT_EQ(fetched->error().refusal, PartitionRefusal::offline) << "who still holds it";
  EXPECT_TRUE(append_to(on_good_disk()));
  EXPECT_FALSE(table(on_good_disk()).is_offline("events", PartitionIndex(on_good_disk())));
}

TEST_F(ReplicasOnTwoDisks, StayOfflineWhateverTheImageSaysAndNewOnesGoToTheGoodOne) {
  make_partitions();
  fill_disk();
  EXPECT_FALSE(append_to(on_bad_disk));
  files.faults->writable_bytes = log::test::Faults::none;
  set_topic(first_id, {led_by(self, 0, 1), led_by(self, 1, 1), led_by(self, 2), led_by(self, 3)});
  publish();
  shards.advance(std::chrono::seconds(20));
  EXPECT_EQ(find(on_bad_disk), nullptr);
  EXPECT_EQ(find(on_good_disk())->leader_epoch(), LeaderEpoch(1));
  for (std::int32_t index : {2, 3}) {
    ASSERT_NE(find(index), nullptr);
    EXPECT_NE(find(index)->log()->directory().find("/good/"), std::string::npos);
  }
  builder.remove_topic("events");
  publish();
  EXPECT_EQ(find(on_good_disk()), nullptr);
  EXPECT_TRUE(table(on_bad_disk).is_offline("events", PartitionIndex(on_bad_disk)))
      << "it is there until its disk is back";
}

TEST_F(ReplicasOnTwoDisks, AreNotMadeAgainElsewhereAfterAStartWithoutTheirDisk) {
  make_partitions();
  stop();
  files.faults->fail_open = [](const std::string& path) { return path.find("/bad/") != std::string::npos; };
  start();
  set_topic(first_id, {led_by(self, 0), led_by(self, 1)});
  auto image = builder.build();
  cache = std::make_unique<metadata::MetadataCache>(shards);
  cache->publish(image, shards.at(0));
  shards.run();
  replicas = nullptr;
  shards.run();
  replicas = std::make_unique<ReplicaManager>(
      shards, PartitionTable::Environment{self, logs.get(),
                                          [](ShardId, const metadata::ConfigMap&) { return PartitionConfig{}; }});
  replicas->follow(*cache, shards.at(0), [] {});
  shards.run();
  EXPECT_NE(find(on_good_disk()), nullptr);
  EXPECT_EQ(find(on_bad_disk), nullptr);
  EXPECT_TRUE(table(on_bad_disk).is_offline("events", PartitionIndex(on_bad_disk)));
}

}  // namespace
}  // namespace millrace::replication
