// The embedded store keeps the contract: alone, behind the fault injector without faults, and with its answers delayed.
#include <memory>
#include <utility>

#include "broker/base/clock.h"
#include "broker/base/random.h"
#include "broker/metadata/embedded_store.h"
#include "broker/metadata/fault_injecting_store.h"
#include "test/broker/base/temporary_directory.h"
#include "test/broker/metadata/metadata_store_contract.h"

namespace millrace::metadata::test {
namespace {

class EmbeddedUnderTest : public StoreUnderTest {
 public:
  EmbeddedUnderTest() {
    auto opened = EmbeddedStore::open({.directory = directory_.path() + "/metadata"}, clock_, random_);
    EXPECT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }

  std::unique_ptr<MetadataStore> connect(Shard& shard) override { return store_->connect(shard); }
  void expire(MetadataStore& client) override { store_->expire_session(client.session()->id); }

 private:
  TemporaryDirectory directory_;
  SystemClock clock_;
  SeededRandom random_{42};
  std::unique_ptr<EmbeddedStore> store_;
};

class FaultInjectingUnderTest final : public EmbeddedUnderTest {
 public:
  FaultInjectingUnderTest(FaultInjectingStore::Faults faults, bool expire_inside)
      : faults_(faults), expire_inside_(expire_inside) {}

  std::unique_ptr<MetadataStore> connect(Shard& shard) override {
    return std::make_unique<FaultInjectingStore>(EmbeddedUnderTest::connect(shard), faults_, random_);
  }
  void expire(MetadataStore& client) override {
    if (expire_inside_) {
      EmbeddedUnderTest::expire(client);
    } else {
      dynamic_cast<FaultInjectingStore&>(client).expire_session();
    }
  }

 private:
  FaultInjectingStore::Faults faults_;
  bool expire_inside_;
  SeededRandom random_{7};
};

std::unique_ptr<StoreUnderTest> embedded() { return std::make_unique<EmbeddedUnderTest>(); }
std::unique_ptr<StoreUnderTest> without_faults() {
  return std::make_unique<FaultInjectingUnderTest>(FaultInjectingStore::Faults(), true);
}
std::unique_ptr<StoreUnderTest> delayed() {
  FaultInjectingStore::Faults faults;
  faults.answer_delay_max = std::chrono::milliseconds(5);
  return std::make_unique<FaultInjectingUnderTest>(faults, false);
}

INSTANTIATE_TEST_SUITE_P(Embedded, MetadataStoreContract,
                         testing::Values(StoreFactory{"Alone", embedded},
                                         StoreFactory{"BehindTheFaultInjector", without_faults},
                                         StoreFactory{"WithDelayedAnswers", delayed}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace millrace::metadata::test
