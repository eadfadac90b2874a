#include "broker/server/image_topic_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace millrace::server {
namespace {

using testing::UnorderedElementsAre;

class ImageTopicDirectoryTest : public testing::Test {
 protected:
  void set_topic(const std::string& name, std::uint8_t id, int partitions, int leader = 1) {
    metadata::TopicImage topic;
    topic.name = name;
    topic.id.bytes[0] = id;
    for (int index = 0; index < partitions; ++index) {
      metadata::PartitionImage partition;
      partition.index = PartitionIndex(index);
      partition.leader = BrokerId(leader);
      topic.partitions.push_back(partition);
    }
    builder_.set_topic(std::move(topic));
  }
  // Whether it is another directory then.
  bool follow() {
    const auto before = directory_.version();
    directory_.follow(builder_.build());
    return directory_.version() != before;
  }

  metadata::ClusterImageBuilder builder_;
  ImageTopicDirectory directory_;
};

TEST_F(ImageTopicDirectoryTest, KnowsTheTopicsOfItsImage) {
  set_topic("a", 1, 3);
  set_topic("b", 2, 1);
  EXPECT_TRUE(follow());
  TopicId id{};
  id.bytes[0] = 1;
  EXPECT_EQ(directory_.find("a"), (coordinator::TopicFacts{id, 3}));
  EXPECT_EQ(directory_.name(id), "a");
  EXPECT_FALSE(directory_.find("c"));
  EXPECT_EQ(directory_.name(TopicId{}), "");
  std::vector<std::string> names;
  directory_.each([&](std::string_view name) { names.emplace_back(name); });
  EXPECT_THAT(names, UnorderedElementsAre("a", "b"));
}

TEST_F(ImageTopicDirectoryTest, IsAnotherWhenATopicCameGrewWentOrWasMadeAnewOnly) {
  EXPECT_FALSE(follow());
  set_topic("a", 1, 1);
  EXPECT_TRUE(follow());
  EXPECT_FALSE(follow());
  set_topic("a", 1, 1, 2);
  EXPECT_FALSE(follow()) << "it has another leader";
  set_topic("a", 1, 2);
  EXPECT_TRUE(follow());
  set_topic("a", 3, 2);
  EXPECT_TRUE(follow());
  builder_.remove_topic("a");
  EXPECT_TRUE(follow());
}

}  // namespace
}  // namespace millrace::server
