#include "broker/metadata/znode_offsets.h"

#include <gtest/gtest.h>

#include "test/broker/metadata/embedded_fixture.h"

namespace millrace::metadata::test {
namespace {

using Found = std::vector<Result<std::optional<Offset>>>;

const TopicPartition first{"topic", PartitionIndex(0)};
const TopicPartition second{"topic", PartitionIndex(1)};

class ZnodeOffsetsTest : public EmbeddedFixture {
 protected:
  void SetUp() override {
    open();
    client_ = connect();
  }
  void TearDown() override { client_.reset(); }

  StoreClient& client() { return *client_; }
  std::vector<Status> store(const std::string& group, ZnodeOffsets::Offsets offsets) {
    ZnodeOffsets stored(client().store());
    std::optional<std::vector<Status>> outcomes;
    stored.store(group, std::move(offsets), [&](auto each) { outcomes = std::move(each); });
    EXPECT_TRUE(wait_until(shard(), [&] { return outcomes.has_value(); }));
    return *outcomes;
  }
  Found find(const std::string& group, std::vector<TopicPartition> partitions) {
    ZnodeOffsets stored(client().store());
    std::optional<Found> found;
    stored.find(group, std::move(partitions), [&](auto each) { found = std::move(each); });
    EXPECT_TRUE(wait_until(shard(), [&] { return found.has_value(); }));
    return *found;
  }

 private:
  std::unique_ptr<StoreClient> client_;
};

TEST_F(ZnodeOffsetsTest, AreWhereKafkaKeepsThem) {
  ASSERT_TRUE(store("group", {{second, Offset(42)}}).at(0));
  EXPECT_EQ(client().get("/consumers/group/offsets/topic/1")->data, "42");
}

TEST_F(ZnodeOffsetsTest, AreFoundAsTheyWereStoredLast) {
  ASSERT_TRUE(store("group", {{first, Offset(1)}, {first, Offset(2)}}).at(1));
  const auto found = find("group", {first, second});
  EXPECT_EQ(*found.at(0), Offset(2));
  EXPECT_EQ(*found.at(1), std::nullopt);
  EXPECT_EQ(*find("other", {first}).at(0), std::nullopt);
}

TEST_F(ZnodeOffsetsTest, AreRefusedForAGroupThatMakesNoPath) {
  EXPECT_FALSE(store("", {{first, Offset(1)}}).at(0));
  EXPECT_FALSE(find("", {first}).at(0));
}

TEST_F(ZnodeOffsetsTest, ThatAreNoNumbersAreAnError) {
  ASSERT_TRUE(store("group", {{first, Offset(1)}}).at(0));
  ASSERT_TRUE(client().set("/consumers/group/offsets/topic/0", "1x"));
  EXPECT_EQ(find("group", {first}).at(0).error().kind, ErrorKind::corrupt);
}

}  // namespace
}  // namespace millrace::metadata::test
