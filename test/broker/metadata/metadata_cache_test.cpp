#include "broker/metadata/metadata_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "broker/base/manual_shard.h"

namespace millrace::metadata {
namespace {

class ThreeShards final : public ShardGroup {
 public:
  [[nodiscard]] std::size_t size() const override { return shards_.size(); }
  [[nodiscard]] Shard& at(ShardId id) override { return *shards_[id]; }
  ManualShard& manual(ShardId id) { return *shards_[id]; }

 private:
  std::vector<std::unique_ptr<ManualShard>> shards_ = [] {
    std::vector<std::unique_ptr<ManualShard>> shards;
    for (ShardId id = 0; id < 3; ++id) shards.push_back(std::make_unique<ManualShard>(id));
    return shards;
  }();
};

std::shared_ptr<const ClusterImage> image_of(const std::string& cluster_id) {
  ClusterImageBuilder builder;
  builder.set_cluster_id(cluster_id);
  return builder.build();
}

TEST(MetadataCache, GivesEachShardTheImageInItsOwnTime) {
  ThreeShards shards;
  MetadataCache cache(shards);
  EXPECT_EQ(cache.image(1)->cluster_id(), "");
  bool delivered = false;
  cache.publish(image_of("first"), shards.at(0), [&] { delivered = true; });
  EXPECT_EQ(cache.image(0)->cluster_id(), "") << "changed from inside the call";
  shards.manual(0).run();
  shards.manual(1).run();
  EXPECT_EQ(cache.image(0)->cluster_id(), "first");
  EXPECT_EQ(cache.image(1)->cluster_id(), "first");
  EXPECT_EQ(cache.image(2)->cluster_id(), "");
  EXPECT_FALSE(delivered) << "one shard still lacks it";
  shards.manual(2).run();
  EXPECT_FALSE(delivered) << "told on another shard than the publisher's";
  shards.manual(0).run();
  EXPECT_TRUE(delivered);
}

TEST(MetadataCache, TellsSubscribersOfAShardEveryImageInOrderBeforeItCountsAsDelivered) {
  ThreeShards shards;
  MetadataCache cache(shards);
  std::vector<std::string> heard;
  cache.subscribe(2, [&](const auto& before, const auto& after) {
    heard.push_back(before->cluster_id() + ">" + after->cluster_id());
    EXPECT_EQ(cache.image(2), after);
  });
  cache.publish(image_of("a"), shards.at(0));
  cache.publish(image_of("b"), shards.at(0), [&] { heard.emplace_back("delivered"); });
  for (ShardId id : {0, 1, 2, 0}) shards.manual(id).run();
  EXPECT_THAT(heard, testing::ElementsAre(">a", "a>b", "delivered"));
}

}  // namespace
}  // namespace millrace::metadata
