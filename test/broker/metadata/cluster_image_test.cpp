#include "broker/metadata/cluster_image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "broker/base/random.h"

namespace millrace::metadata {
namespace {

using testing::UnorderedElementsAre;

TopicImage topic_of(const std::string& name, std::uint8_t id, int partitions) {
  TopicImage topic{name, {}, {}};
  topic.id.bytes[0] = id;
  for (int index = 0; index < partitions; ++index) {
    PartitionImage partition;
    partition.index = PartitionIndex(index);
    partition.leader = BrokerId(1);
    partition.replicas = {BrokerId(1)};
    topic.partitions.push_back(std::move(partition));
  }
  return topic;
}

TEST(ClusterImage, FindsTopicsByNameAndById) {
  ClusterImageBuilder builder;
  builder.set_topic(topic_of("a", 1, 3));
  builder.set_topic(topic_of("b", 2, 1));
  auto image = builder.build();
  EXPECT_EQ(image->topic("a")->partitions.size(), 3U);
  EXPECT_EQ(image->topic(image->topic("b")->id)->name, "b");
  EXPECT_EQ(image->topic("c"), nullptr);
  EXPECT_EQ(image->topic(TopicId{}), nullptr);
  EXPECT_EQ(image->topic_count(), 2U);
  EXPECT_EQ(image->partition_count(), 4U);
  EXPECT_EQ(image->partition("a", PartitionIndex(2))->leader, BrokerId(1));
  EXPECT_EQ(image->partition("a", PartitionIndex(3)), nullptr);
  EXPECT_EQ(image->partition("a", PartitionIndex(-1)), nullptr);
  EXPECT_EQ(image->partition("c", PartitionIndex(0)), nullptr);
}

TEST(ClusterImage, FindsPartitionsOfATopicWithHoles) {
  TopicImage topic{"a", {}, {}};
  for (int index : {5, 1, 3}) {
    PartitionImage partition;
    partition.index = PartitionIndex(index);
    topic.partitions.push_back(std::move(partition));
  }
  ClusterImageBuilder builder;
  builder.set_topic(topic);
  auto image = builder.build();
  EXPECT_NE(image->partition("a", PartitionIndex(5)), nullptr);
  EXPECT_EQ(image->partition("a", PartitionIndex(3))->index, PartitionIndex(3));
  EXPECT_EQ(image->partition("a", PartitionIndex(0)), nullptr);
  EXPECT_EQ(image->partition("a", PartitionIndex(2)), nullptr);
}

TEST(ClusterImage, ForgetsTheOldIdOfATopicThatWasMadeAgain) {
  ClusterImageBuilder builder;
  builder.set_topic(topic_of("a", 1, 3));
  auto old_id = builder.draft().topic("a")->id;
  builder.set_topic(topic_of("a", 2, 1));
  auto image = builder.build();
  EXPECT_EQ(image->topic(old_id), nullptr);
  EXPECT_EQ(image->topic(image->topic("a")->id)->partitions.size(), 1U);
  EXPECT_EQ(image->topic_count(), 1U);
  EXPECT_EQ(image->partition_count(), 1U);
}

TEST(ClusterImage, SharesEveryTopicThatDidNotChangeAndTellsTheOnesThatDid) {
  ClusterImageBuilder builder;
  for (int index = 0; index < 1000; ++index) {
    auto topic = topic_of("topic-" + std::to_string(index), 1, 10);
    topic.id.bytes[1] = static_cast<std::uint8_t>(index);
    topic.id.bytes[2] = static_cast<std::uint8_t>(index / 256);
    builder.set_topic(std::move(topic));
  }
  auto before = builder.build();
  PartitionImage moved = *before->partition("topic-7", PartitionIndex(3));
  moved.leader = BrokerId(2);
  ASSERT_TRUE(builder.set_partition("topic-7", moved));
  ASSERT_TRUE(builder.set_partition("topic-8", *before->partition("topic-8", PartitionIndex(0)))) << "the same again";
  EXPECT_FALSE(builder.set_partition("no-such-topic", moved));
  builder.remove_topic("topic-9");
  builder.set_topic(topic_of("new", 9, 1));
  auto after = builder.build();

  EXPECT_EQ(before->partition("topic-7", PartitionIndex(3))->leader, BrokerId(1)) << "an image changed";
  EXPECT_EQ(after->partition("topic-7", PartitionIndex(3))->leader, BrokerId(2));
  EXPECT_EQ(before->topic("topic-8"), after->topic("topic-8"));
  EXPECT_EQ(before->topic("topic-10"), after->topic("topic-10"));
  std::vector<std::string> changes;
  ClusterImage::for_each_changed_topic(*before, *after, [&](const auto& old, const auto& now) {
    changes.push_back(!old ? "made " + now->name : !now ? "deleted " + old->name : "changed " + now->name);
  });
  EXPECT_THAT(changes, UnorderedElementsAre("changed topic-7", "deleted topic-9", "made new"));
  EXPECT_EQ(after->sequence(), before->sequence() + 1);
  EXPECT_EQ(after->topic_count(), 1000U);
}

TEST(ClusterImage, IsTheSameWhateverTheOrderOfItsChanges) {
  // Random edits against a plain map.
  SeededRandom random(5);
  std::map<std::string, TopicImage> expected;
  ClusterImageBuilder builder;
  for (int step = 0; step < 3000; ++step) {
    auto name = "t" + std::to_string(random.below(300));
    if (random.below(3) == 0) {
      expected.erase(name);
      builder.remove_topic(name);
    } else {
      auto topic = topic_of(name, static_cast<std::uint8_t>(random.below(250) + 1), static_cast<int>(random.below(4)));
      topic.id.bytes[4] = static_cast<std::uint8_t>(std::stoi(name.substr(1)) % 256);
      topic.id.bytes[5] = static_cast<std::uint8_t>(std::stoi(name.substr(1)) / 256);
      expected[name] = topic;
      builder.set_topic(topic);
    }
  }
  auto image = builder.build();
  std::size_t partitions = 0;
  std::set<std::string> seen;
  image->for_each_topic([&](const auto& topic) {
    EXPECT_EQ(*topic, expected.at(topic->name));
    EXPECT_EQ(image->topic(topic->id), topic);
    partitions += topic->partitions.size();
    seen.insert(topic->name);
  });
  EXPECT_EQ(seen.size(), expected.size());
  EXPECT_EQ(image->topic_count(), expected.size());
  EXPECT_EQ(image->partition_count(), partitions);
}

TEST(ClusterImage, KnowsBrokersAndTheirListeners) {
  ClusterImageBuilder builder;
  BrokerImage broker{BrokerId(3), BrokerEpoch(77), "zone-a", {{"IN", "SSL", "a", 1}, {"OUT", "SASL_SSL", "b", 2}}};
  builder.set_broker(broker);
  EXPECT_TRUE(builder.changed());
  auto image = builder.build();
  EXPECT_EQ(image->broker(BrokerId(3))->endpoint("OUT")->port, 2);
  EXPECT_EQ(image->broker(BrokerId(3))->endpoint("ELSE"), nullptr);
  EXPECT_EQ(image->broker(BrokerId(4)), nullptr);
  builder.set_broker(broker);
  EXPECT_FALSE(builder.changed()) << "the same broker again is no change";
  builder.remove_broker(BrokerId(3));
  EXPECT_TRUE(builder.changed());
  EXPECT_EQ(builder.build()->brokers().size(), 0U);
}

TEST(ClusterImage, KeepsConfigurationsByEntityAndTellsTheirChanges) {
  ClusterImageBuilder builder;
  builder.set_config(ConfigEntity::topics, "a", {{"retention.ms", "1"}});
  builder.set_config(ConfigEntity::brokers, "<default>", {{"log.cleaner.threads", "2"}});
  builder.set_config(ConfigEntity::users, "u/clients/c", {{"x", "y"}});
  auto before = builder.build();
  EXPECT_EQ(before->topic_config("a")->at("retention.ms"), "1");
  EXPECT_TRUE(before->topic_config("b")->empty());
  EXPECT_EQ(before->config(ConfigEntity::users, "u/clients/c")->at("x"), "y");
  builder.set_config(ConfigEntity::topics, "a", {});
  builder.set_config(ConfigEntity::brokers, "<default>", {{"log.cleaner.threads", "2"}});
  builder.set_config(ConfigEntity::topics, "b", {{"retention.ms", "2"}});
  auto after = builder.build();
  std::vector<std::string> changes;
  ClusterImage::for_each_changed_config(
      *before, *after, [&](ConfigEntity entity, const std::string& name, const ConfigMap& old, const ConfigMap& now) {
        EXPECT_EQ(entity, ConfigEntity::topics);
        changes.push_back(name + " " + std::to_string(old.size()) + ">" + std::to_string(now.size()));
      });
  EXPECT_THAT(changes, UnorderedElementsAre("a 1>0", "b 0>1"));
  std::vector<std::string> all;
  after->for_each_config([&](ConfigEntity, const std::string& name) { all.push_back(name); });
  EXPECT_THAT(all, UnorderedElementsAre("<default>", "b", "u/clients/c"));
}

}  // namespace
}  // namespace millrace::metadata
