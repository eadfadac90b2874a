#include "broker/controller/config_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/random.h"
#include "broker/metadata/cluster_founding.h"
#include "broker/metadata/embedded_store.h"
#include "broker/metadata/fault_injecting_store.h"
#include "broker/metadata/znodes/entity_config.h"
#include "broker/metadata/znodes/znode_paths.h"
#include "test/broker/base/temporary_directory.h"
#include "test/broker/metadata/store_client.h"

namespace millrace::controller {
namespace {

using metadata::ConfigMap;
using metadata::ConfigOwner;
using metadata::EntityName;
using metadata::FaultInjectingStore;
using metadata::test::StoreClient;
using metadata::test::wait_until;
namespace znodes = metadata::znodes;

// The system's time, moved on by the test; read by the store's thread.
class MovableClock final : public Clock {
 public:
  [[nodiscard]] MonotonicTime now() const override { return system_.now(); }
  [[nodiscard]] TimestampMs wall_clock() const override { return system_.wall_clock() + offset_ms_.load(); }
  void advance(std::chrono::milliseconds by) { offset_ms_ += by.count(); }

 private:
  SystemClock system_;
  std::atomic<std::int64_t> offset_ms_{0};
};

class ConfigCommandsTest : public testing::Test {
 protected:
  void SetUp() override { open({}); }
  void TearDown() override { close(); }

  void open(FaultInjectingStore::Faults faults) {
    close();
    store_ = metadata::EmbeddedStore::open({directory_.path()}, clock_, random_).value();
    client_ = std::make_unique<StoreClient>(
        shard_, std::make_unique<FaultInjectingStore>(store_->connect(shard_), faults, random_));
    observer_ = std::make_unique<StoreClient>(shard_, store_->connect(shard_));
    ASSERT_TRUE(client_->open());
    ASSERT_TRUE(observer_->open());
    ASSERT_TRUE(observer_->wait<std::string>(
        [&](auto reply) { metadata::found_cluster(observer_->store(), random_, "", std::move(reply)); }));
    commands_ = std::make_unique<ConfigCommands>(client_->store());
  }
  void close() {
    commands_.reset();
    client_.reset();
    observer_.reset();
    shard_.run();
    store_.reset();
  }

  Result<ConfigMap> change(const ConfigOwner& owner, ConfigCommands::Edit edit, bool preview = false) {
    std::optional<Result<ConfigMap>> outcome;
    auto done = [&](Result<ConfigMap> result) { outcome = std::move(result); };
    preview ? commands_->preview(owner, std::move(edit), done) : commands_->change(owner, std::move(edit), done);
    EXPECT_TRUE(wait_until(shard_, [&] { return outcome.has_value(); }));
    return *outcome;
  }
  Result<ConfigMap> set(const ConfigOwner& owner, ConfigMap config) {
    return change(owner, [config = std::move(config)](const ConfigMap&) { return Result<ConfigMap>(config); });
  }
  // Adds a key to what is there.
  static ConfigCommands::Edit adding(const std::string& key) {
    return [key](const ConfigMap& now) {
      auto next = now;
      next.insert_or_assign(key, "1");
      return Result<ConfigMap>(next);
    };
  }

  std::optional<std::string> data(const std::string& path) {
    auto znode = observer_->get(path);
    return znode ? std::optional(znode->data) : std::nullopt;
  }
  std::vector<std::string> announced() {
    auto children = observer_->children(std::string(znodes::paths::config_changes));
    EXPECT_TRUE(children);
    std::ranges::sort(children->names);
    std::vector<std::string> all;
    for (const auto& name : children->names)
      all.push_back(*data(std::string(znodes::paths::config_changes) + "/" + name));
    return all;
  }

  ManualShard shard_;
  MovableClock clock_;
  SeededRandom random_{7};
  TemporaryDirectory directory_;
  std::unique_ptr<metadata::EmbeddedStore> store_;
  std::unique_ptr<StoreClient> client_;
  std::unique_ptr<StoreClient> observer_;
  std::unique_ptr<ConfigCommands> commands_;
};

TEST_F(ConfigCommandsTest, WritesTheZnodeAndItsNotificationAsKafkaDoes) {
  EXPECT_EQ(set(ConfigOwner::topic("t"), {{"retention.ms", "5"}}), (ConfigMap{{"retention.ms", "5"}}));
  EXPECT_EQ(data("/config/topics/t"), R"({"version":1,"config":{"retention.ms":"5"}})");
  EXPECT_TRUE(set(ConfigOwner::all_brokers(), {{"log.retention.ms", "5"}}));
  EXPECT_EQ(data("/config/brokers/<default>"), R"({"version":1,"config":{"log.retention.ms":"5"}})");
  EXPECT_THAT(announced(), testing::ElementsAre(R"({"version":2,"entity_path":"topics/t"})",
                                                R"({"version":2,"entity_path":"brokers/<default>"})"));
}

TEST_F(ConfigCommandsTest, AnEmptyTopicConfigurationKeepsItsZnode) {
  ASSERT_TRUE(set(ConfigOwner::topic("t"), {{"retention.ms", "5"}}));
  ASSERT_TRUE(set(ConfigOwner::topic("t"), {}));
  EXPECT_EQ(data("/config/topics/t"), R"({"version":1,"config":{}})");
}

TEST_F(ConfigCommandsTest, ClientsUsersAndAddressesGoWithTheLastThatIsSet) {
  const auto user = ConfigOwner::user(EntityName("a b"));
  const auto of_user = ConfigOwner::user_client(EntityName("a b"), EntityName::default_entity());
  ASSERT_TRUE(set(of_user, {{"q", "1"}}));
  EXPECT_EQ(data("/config/users/a%20b"), "");
  EXPECT_EQ(data("/config/users/a%20b/clients/<default>"), R"({"version":1,"config":{"q":"1"}})");
  ASSERT_TRUE(set(user, {{"q", "2"}}));
  ASSERT_TRUE(set(user, {}));
  EXPECT_EQ(data("/config/users/a%20b"), R"({"version":1,"config":{}})") << "its client still has something";
  ASSERT_TRUE(set(of_user, {}));
  EXPECT_EQ(data("/config/users/a%20b"), std::nullopt);
  EXPECT_EQ(announced().size(), 4U);
  ASSERT_TRUE(set(of_user, {{"q", "1"}}));
  ASSERT_TRUE(set(user, {{"q", "2"}}));
  ASSERT_TRUE(set(of_user, {}));
  EXPECT_EQ(data("/config/users/a%20b"), R"({"version":1,"config":{"q":"2"}})") << "it has something itself";
  EXPECT_EQ(data("/config/users/a%20b/clients"), std::nullopt);
  ASSERT_TRUE(set(ConfigOwner::ip(EntityName("::1")), {{"connection_creation_rate", "1"}}));
  ASSERT_TRUE(set(ConfigOwner::ip(EntityName("::1")), {}));
  EXPECT_EQ(data("/config/ips/%3A%3A1"), std::nullopt);
}

TEST_F(ConfigCommandsTest, WritesNothingForAPreviewAnErrorOrNoChange) {
  ASSERT_TRUE(set(ConfigOwner::topic("t"), {{"retention.ms", "5"}}));
  EXPECT_TRUE(change(ConfigOwner::topic("t"), adding("x"), true)->contains("x"));
  EXPECT_TRUE(set(ConfigOwner::topic("t"), {{"retention.ms", "5"}}));
  auto refused = change(ConfigOwner::topic("t"), [](const ConfigMap&) -> Result<ConfigMap> {
    return fail(ErrorKind::not_found, "no such key");
  });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "no such key");
  EXPECT_EQ(data("/config/topics/t"), R"({"version":1,"config":{"retention.ms":"5"}})");
  EXPECT_EQ(announced().size(), 1U);
}

TEST_F(ConfigCommandsTest, LosesNoneOfManyChangesAtOnce) {
  int answered = 0;
  for (int i = 0; i < 10; ++i) {
    commands_->change(ConfigOwner::topic("t"), adding("k" + std::to_string(i)), [&](const Result<ConfigMap>& outcome) {
      EXPECT_TRUE(outcome) << outcome.error().message;
      ++answered;
    });
  }
  ASSERT_TRUE(wait_until(shard_, [&] { return answered == 10; }));
  EXPECT_EQ(znodes::decode_config(*data("/config/topics/t"))->size(), 10U);
}

TEST_F(ConfigCommandsTest, GetsThroughLostConnections) {
  FaultInjectingStore::Faults faults;
  faults.loss_before = 100'000;
  faults.loss_after = 100'000;
  open(faults);
  for (int i = 0; i < 30; ++i) {
    auto outcome = change(ConfigOwner::topic("t"), adding("k" + std::to_string(i)));
    ASSERT_TRUE(outcome) << outcome.error().message;
  }
  EXPECT_EQ(znodes::decode_config(*data("/config/topics/t"))->size(), 30U);
}

TEST_F(ConfigCommandsTest, TakesAwayNotificationsThatAreOld) {
  shard_.manual_clock().set_wall_clock(clock_.wall_clock());
  ASSERT_TRUE(set(ConfigOwner::topic("t"), {{"retention.ms", "1"}}));
  ASSERT_TRUE(set(ConfigOwner::topic("t"), {{"retention.ms", "2"}}));
  EXPECT_EQ(announced().size(), 2U);
  clock_.advance(std::chrono::minutes(16));
  shard_.manual_clock().set_wall_clock(clock_.wall_clock());
  ASSERT_TRUE(set(ConfigOwner::topic("t"), {{"retention.ms", "3"}}));
  EXPECT_EQ(announced().size(), 1U);
}

}  // namespace
}  // namespace millrace::controller
