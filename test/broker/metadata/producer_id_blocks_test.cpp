#include "broker/metadata/producer_id_blocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "broker/metadata/cluster_founding.h"
#include "broker/metadata/znodes/producer_id_block.h"
#include "broker/metadata/znodes/znode_paths.h"
#include "test/broker/metadata/embedded_fixture.h"
#include "test/broker/metadata/golden_znodes.h"

namespace millrace::metadata::test {
namespace {

const std::string block_path(znodes::paths::producer_id_block);

class ProducerIdBlocksTest : public EmbeddedFixture {
 protected:
  void SetUp() override {
    open();
    client_ = connect();
    ASSERT_TRUE(client_->wait<void>([&](auto reply) { create_path(client_->store(), block_path, std::move(reply)); }));
  }
  void TearDown() override { client_.reset(); }

  StoreClient& client() { return *client_; }
  Result<ProducerId> next(ProducerIdBlocks& blocks) {
    return client().wait<ProducerId>([&](auto reply) { blocks.next(std::move(reply)); });
  }

 private:
  std::unique_ptr<StoreClient> client_;
};

TEST_F(ProducerIdBlocksTest, BeginsAtZeroAndClaimsAsKafkaDoes) {
  ProducerIdBlocks blocks(client().store(), BrokerId(0));
  EXPECT_EQ(*next(blocks), ProducerId(0));
  EXPECT_EQ(*next(blocks), ProducerId(1));
  auto znode = client().get(block_path);
  EXPECT_EQ(znode->data, golden("producer-ids"));
  EXPECT_EQ(znode->stat.version, ZnodeVersion(1));
}

TEST_F(ProducerIdBlocksTest, GoesOnAfterTheBlockThatStandsInTheStore) {
  ASSERT_TRUE(client().set(block_path, golden("producer-ids.later")));
  ProducerIdBlocks blocks(client().store(), BrokerId(0));
  EXPECT_EQ(*next(blocks), ProducerId(123'456'790'000));
}

TEST_F(ProducerIdBlocksTest, HandsOutEveryIdOnceOverManyBlocks) {
  ProducerIdBlocks blocks(client().store(), BrokerId(0));
  std::vector<std::int64_t> ids;
  for (int index = 0; index < 3500; ++index) {
    blocks.next([&](Result<ProducerId> id) {
      ASSERT_TRUE(id);
      ids.push_back(id->value());
    });
    if (index % 100 == 0) shard().run();
  }
  ASSERT_TRUE(wait_until(shard(), [&] { return ids.size() == 3500; }));
  std::set<std::int64_t> distinct(ids.begin(), ids.end());
  EXPECT_EQ(distinct.size(), ids.size());
  EXPECT_EQ(*distinct.rbegin(), 3499) << "one broker alone leaves no gaps";
}

TEST_F(ProducerIdBlocksTest, ClaimsTheNextBlockBeforeTheLastIsUsedUp) {
  ProducerIdBlocks blocks(client().store(), BrokerId(0));
  for (int index = 0; index < 950; ++index) ASSERT_TRUE(next(blocks));
  ASSERT_TRUE(client().sync("/"));
  EXPECT_EQ(client().get(block_path)->stat.version, ZnodeVersion(2));
  bool at_once = true;
  for (int index = 950; index < 1100; ++index) {
    bool answered = false;
    blocks.next([&](const Result<ProducerId>& id) { answered = id.has_value(); });
    at_once = at_once && answered;
  }
  EXPECT_TRUE(at_once) << "somebody had to wait for a block";
}

TEST_F(ProducerIdBlocksTest, NeverHandsAnIdOutTwiceThroughFaultsAndRivals) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SeededRandom seeded(seed);
    FaultInjectingStore::Faults chances{.loss_before = 200'000,
                                        .loss_after = 200'000,
                                        .expiry = 20'000,
                                        .answer_delay_max = std::chrono::milliseconds(2),
                                        .reconnect_delay_max = std::chrono::milliseconds(5)};
    std::set<std::int64_t> handed_out;
    int failures = 0;
    std::vector<std::unique_ptr<StoreClient>> clients;
    std::vector<std::unique_ptr<ProducerIdBlocks>> brokers;
    for (int broker = 0; broker < 3; ++broker) {
      clients.push_back(std::make_unique<StoreClient>(
          shard(), std::make_unique<FaultInjectingStore>(embedded().connect(shard()), chances, seeded)));
      ASSERT_TRUE(clients.back()->open());
      brokers.push_back(std::make_unique<ProducerIdBlocks>(clients.back()->store(), BrokerId(broker)));
    }
    int calls = 0;
    int answers = 0;
    for (; handed_out.size() < 5000 && calls < 500'000; ++calls) {
      auto at = static_cast<std::size_t>(calls % 3);
      if (!clients[at]->store().session()) {
        if (std::ranges::find(clients[at]->heard(), "expired") != clients[at]->heard().end()) {
          clients[at]->take_heard();
          clients[at]->store().open_session(std::nullopt);
        }
      }
      brokers[at]->next([&](Result<ProducerId> id) {
        ++answers;
        if (!id) {
          ++failures;
        } else {
          EXPECT_TRUE(handed_out.insert(id->value()).second) << id->value() << " was handed out twice";
        }
      });
      if (calls % 20 == 0) {
        shard().run();
        shard().advance(std::chrono::milliseconds(1));
      }
    }
    ASSERT_TRUE(wait_until(shard(), [&] { return answers == calls; }));
    EXPECT_GE(handed_out.size(), 5000U) << failures << " of " << calls << " calls failed";
    brokers.clear();
  }
}

TEST_F(ProducerIdBlocksTest, SaysWhenTheStoreHasNoPlaceForBlocksAndTriesAgainWithTheNextCall) {
  ASSERT_TRUE(client().remove(block_path));
  ProducerIdBlocks blocks(client().store(), BrokerId(0));
  EXPECT_EQ(kind_of(next(blocks)), ErrorKind::not_found);
  ASSERT_TRUE(client().create(block_path));
  EXPECT_EQ(*next(blocks), ProducerId(0));
}

TEST_F(ProducerIdBlocksTest, StopsAtTheLastIdThereIs) {
  ASSERT_TRUE(client().set(
      block_path, R"({"version":1,"broker":0,"block_start":"9223372036854774807","block_end":"9223372036854775806"})"));
  ProducerIdBlocks blocks(client().store(), BrokerId(0));
  EXPECT_EQ(kind_of(next(blocks)), ErrorKind::resource_exhausted);
}

TEST_F(ProducerIdBlocksTest, AnswersWhoWaitsWhenItIsDestroyed) {
  std::optional<ErrorKind> kind;
  {
    ProducerIdBlocks blocks(client().store(), BrokerId(0));
    blocks.next([&](const Result<ProducerId>& id) { kind = kind_of(id); });
  }
  EXPECT_EQ(kind, ErrorKind::unavailable);
  shard().run();
}

}  // namespace
}  // namespace millrace::metadata::test
