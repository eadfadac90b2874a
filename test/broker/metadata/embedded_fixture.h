// An embedded store in a directory of its own, its clients, and the shard that they live on.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "broker/base/clock.h"
#include "broker/base/random.h"
#include "broker/metadata/embedded_store.h"
#include "broker/metadata/fault_injecting_store.h"
#include "test/broker/base/temporary_directory.h"
#include "test/broker/metadata/store_client.h"

namespace millrace::metadata::test {

class EmbeddedFixture : public testing::Test {
 protected:
  ~EmbeddedFixture() override { close(); }

  [[nodiscard]] std::string directory() const { return directory_.path() + "/metadata"; }
  [[nodiscard]] std::string database() const { return directory() + "/metadata.db"; }
  ManualShard& shard() { return shard_; }
  EmbeddedStore& embedded() { return *store_; }
  const Clock& clock() { return clock_; }
  Random& random() { return random_; }

  Result<std::unique_ptr<EmbeddedStore>> try_open() {
    return EmbeddedStore::open({.directory = directory()}, clock_, random_);
  }
  void open() {
    auto opened = try_open();
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  void close() {
    shard_.run();
    store_.reset();
    // Retries that wait on a timer find out that it is over.
    shard_.advance(std::chrono::seconds(5));
  }
  // With a session.
  std::unique_ptr<StoreClient> connect() {
    auto client = std::make_unique<StoreClient>(shard_, store_->connect(shard_));
    EXPECT_TRUE(client->open());
    client->take_heard();
    return client;
  }
  // A client whose store fails on command or by chance.
  std::unique_ptr<StoreClient> connect_with_faults(FaultInjectingStore::Faults faults = {}) {
    auto store = std::make_unique<FaultInjectingStore>(store_->connect(shard_), faults, random_);
    auto client = std::make_unique<StoreClient>(shard_, std::move(store));
    EXPECT_TRUE(client->open());
    client->take_heard();
    return client;
  }
  static FaultInjectingStore& faults_of(StoreClient& client) {
    return dynamic_cast<FaultInjectingStore&>(client.store());
  }

 private:
  TemporaryDirectory directory_;
  SystemClock clock_;
  SystemRandom random_;
  ManualShard shard_;
  std::unique_ptr<EmbeddedStore> store_;
};

}  // namespace millrace::metadata::test
