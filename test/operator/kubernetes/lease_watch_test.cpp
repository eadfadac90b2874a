#include "operator/kubernetes/lease_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "test/operator/kubernetes/memory_api.h"

namespace millrace::kubernetes {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

const ObjectReference lease{leases, "kafka", "millrace-operator"};

class LeaseWatchTest : public testing::Test {
 protected:
  void put(const char* holder, int renewal) {
    Json spec = {{"renewTime", std::to_string(renewal)}};
    if (holder != nullptr) spec["holderIdentity"] = holder;
    api_.put(lease, {{"spec", spec}});
  }
  // `meanwhile` gets the time that has passed.
  Result<std::string> see(const std::function<void(Duration)>& meanwhile = [](Duration) {}) {
    return see_renewal(api_, lease, [&](Duration pause) { meanwhile(waited_ += pause); });
  }

  MemoryApi api_;
  Duration waited_{};
};

TEST_F(LeaseWatchTest, NamesTheHolderOnceItRenews) {
  put("first", 1);
  auto seen = see([this](Duration waited) {
    if (waited == 2s) put("first", 2);
  });
  ASSERT_TRUE(seen) << seen.error().message;
  EXPECT_EQ("first", *seen);
  EXPECT_EQ(2s, waited_);
}

TEST_F(LeaseWatchTest, DoesNotTakeADeadHolderForALeader) {
  put("dead", 1);
  auto seen = see();
  ASSERT_FALSE(seen);
  EXPECT_THAT(seen.error().message, HasSubstr("dead holds the Lease kafka/millrace-operator and has not renewed it"));
  EXPECT_EQ(20s, waited_);
}

TEST_F(LeaseWatchTest, WaitsForTheSuccessorOfADeadHolder) {
  put("dead", 1);
  auto seen = see([this](Duration waited) {
    if (waited == 15s) put("next", 9);
  });
  ASSERT_TRUE(seen) << seen.error().message;
  EXPECT_EQ("next", *seen);
}

TEST_F(LeaseWatchTest, SaysThatNobodyHoldsTheLease) {
  put(nullptr, 1);
  auto seen = see();
  ASSERT_FALSE(seen);
  EXPECT_THAT(seen.error().message, HasSubstr("nobody holds"));
}

TEST_F(LeaseWatchTest, SaysThatTheLeaseIsNotThere) {
  auto seen = see();
  ASSERT_FALSE(seen);
  EXPECT_EQ(ErrorKind::not_found, seen.error().kind);
}

}  // namespace
}  // namespace millrace::kubernetes
