#include "broker/metadata/cluster_founding.h"

#include <gtest/gtest.h>

#include "broker/metadata/znodes/cluster_identity.h"
#include "broker/metadata/znodes/znode_paths.h"
#include "test/broker/metadata/embedded_fixture.h"
#include "test/broker/metadata/golden_znodes.h"

namespace millrace::metadata::test {
namespace {

class ClusterFounding : public EmbeddedFixture {
 protected:
  void SetUp() override { open(); }

  Result<std::string> found(StoreClient& client, const std::string& wanted = {}) {
    return client.wait<std::string>(
        [&](auto reply) { found_cluster(client.store(), random(), wanted, std::move(reply)); });
  }
};

TEST_F(ClusterFounding, MakesKafkasTopLevelZnodesWithoutDataAndARandomId) {
  auto client = connect();
  auto id = found(*client);
  ASSERT_TRUE(id) << id.error().message;
  EXPECT_TRUE(Uuid::parse(*id));
  for (auto path : znodes::paths::persistent) {
    auto znode = client->get(std::string(path));
    ASSERT_TRUE(znode) << path;
    EXPECT_EQ(znode->data, "") << path;
    EXPECT_EQ(znode->stat.version, ZnodeVersion(0)) << path;
  }
  EXPECT_EQ(client->get("/cluster/id")->data, znodes::encode_cluster_id(*id));
  EXPECT_EQ(*found(*client), *id) << "the second start found another cluster";
}

TEST_F(ClusterFounding, TakesTheWantedIdOnlyWhenThereIsNone) {
  auto client = connect();
  EXPECT_EQ(*found(*client, "IKyVStOSTBGjee1z24bHaw"), "IKyVStOSTBGjee1z24bHaw");
  EXPECT_EQ(client->get("/cluster/id")->data, golden("cluster-id"));
  EXPECT_EQ(*found(*client, "another"), "IKyVStOSTBGjee1z24bHaw");
}

TEST_F(ClusterFounding, GivesAllWhoFoundAtOnceOneId) {
  auto first = connect();
  auto second = connect();
  std::vector<std::string> ids;
  for (auto* client : {first.get(), second.get()}) {
    found_cluster(client->store(), random(), "",
                  [&](Result<std::string> id) { ids.push_back(id ? *id : id.error().message); });
  }
  ASSERT_TRUE(wait_until(shard(), [&] { return ids.size() == 2; }));
  EXPECT_EQ(ids[0], ids[1]);
}

TEST_F(ClusterFounding, EndsWithOneIdThroughLostConnections) {
  FaultInjectingStore::Faults chances{
      .loss_before = 100'000, .loss_after = 100'000, .reconnect_delay_max = std::chrono::milliseconds(20)};
  auto client = connect_with_faults(chances);
  auto id = found(*client);
  ASSERT_TRUE(id) << id.error().message;
  EXPECT_EQ(*found(*client), *id);
  auto other = connect();
  EXPECT_EQ(*found(*other), *id);
}

TEST_F(ClusterFounding, FailsWhenTheSessionExpires) {
  auto client = connect_with_faults({.expiry = 1'000'000});
  EXPECT_EQ(kind_of(found(*client)), ErrorKind::session_expired);
}

TEST_F(ClusterFounding, MakesAPathWithItsParents) {
  auto client = connect();
  auto make = [&](const std::string& path) {
    return client->wait<void>([&](auto reply) { create_path(client->store(), path, std::move(reply)); });
  };
  ASSERT_TRUE(make("/a/b/c"));
  EXPECT_TRUE(client->get("/a/b/c"));
  EXPECT_TRUE(make("/a/b/c"));
  EXPECT_TRUE(make("/a"));
  EXPECT_EQ(kind_of(make("a")), ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace millrace::metadata::test
