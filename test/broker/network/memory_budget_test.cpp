#include "broker/network/memory_budget.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "broker/network/request_buffer.h"
#include "test/broker/network/raw_client.h"

namespace millrace::network {
namespace {

TEST(MemoryBudget, GivesUpToItsCapacityAndTakesBack) {
  auto budget = MemoryBudget::make(100);
  auto first = budget->try_take(60);
  EXPECT_EQ(first.bytes(), 60U);
  EXPECT_EQ(budget->try_take(41).bytes(), 0U);
  auto second = budget->try_take(40);
  EXPECT_EQ(second.bytes(), 40U);
  EXPECT_EQ(budget->used_bytes(), 100U);
  first.give_back();
  EXPECT_EQ(budget->used_bytes(), 40U);
  second = {};
  EXPECT_EQ(budget->used_bytes(), 0U);
}

TEST(MemoryBudget, GivesAsMuchAgainForWhatIsMadeOfARequest) {
  auto budget = MemoryBudget::make(100);
  auto all = budget->try_take(100);
  EXPECT_EQ(budget->beyond_bytes(), 100U);
  auto made = budget->take_beyond(70);
  EXPECT_EQ(made.bytes(), 70U);
  EXPECT_EQ(budget->take_beyond(31).bytes(), 0U);
  EXPECT_EQ(budget->take_beyond(30).bytes(), 30U);
  all.give_back();
  EXPECT_EQ(budget->try_take(31).bytes(), 0U) << "what is beyond the capacity is paid back first";
  EXPECT_EQ(budget->try_take(30).bytes(), 30U);
}

TEST(MemoryBudget, KeepsSomeForSmallPiecesWhenLargeOnesHaveTakenAll) {
  auto budget = MemoryBudget::make(102'400);
  ASSERT_EQ(budget->small_piece_bytes(), 400U);
  auto large = budget->take_beyond(204'800);
  ASSERT_EQ(large.bytes(), 204'800U);
  EXPECT_EQ(budget->take_beyond(401).bytes(), 0U);
  EXPECT_EQ(budget->beyond_bytes(), 400U);
  std::vector<MemoryCharge> small;
  for (;;) {
    auto piece = budget->take_beyond(400);
    if (piece.bytes() == 0) break;
    small.push_back(std::move(piece));
  }
  EXPECT_EQ(small.size(), 64U);
  EXPECT_EQ(budget->beyond_bytes(), 0U);
}

TEST(RequestBuffer, PaysForWhatIsDecodedFromItAsLongAsItLives) {
  auto budget = MemoryBudget::make(100);
  auto buffer = RequestBuffer::allocate(10, budget->try_take(10));
  EXPECT_EQ(buffer->decoded_max_bytes(), 190U);
  EXPECT_FALSE(buffer->charge_decoded(191));
  EXPECT_TRUE(buffer->charge_decoded(150));
  EXPECT_EQ(budget->used_bytes(), 160U);
  buffer->release();
  EXPECT_EQ(budget->used_bytes(), 150U);
  buffer.reset();
  EXPECT_EQ(budget->used_bytes(), 0U);
}

TEST(MemoryBudget, ServesThoseWhoWaitFirstComeFirstServedAndLetsNobodyPass) {
  auto budget = MemoryBudget::make(100);
  auto all = budget->try_take(100);
  std::string order;
  std::vector<MemoryCharge> charges;
  auto keep = [&](char name) {
    return [&, name](MemoryCharge charge) {
      order += name;
      charges.push_back(std::move(charge));
    };
  };
  budget->wait(80, keep('a'));
  budget->wait(10, keep('b'));
  EXPECT_EQ(budget->try_take(1).bytes(), 0U) << "others wait in line";
  all.give_back();
  EXPECT_EQ(order, "ab");
  EXPECT_EQ(budget->used_bytes(), 90U);
  EXPECT_EQ(budget->try_take(10).bytes(), 10U);
}

TEST(MemoryBudget, GivesAWaiterInTheMiddleOfAFrameAllOfItsRestWhenAllWouldWaitForEachOther) {
  auto budget = MemoryBudget::make(100);
  auto first_part = budget->try_take(50);
  auto second_part = budget->try_take(50);
  MemoryCharge first_rest;
  MemoryCharge second_rest;
  budget->wait_for_rest(50, 70, [&](MemoryCharge charge) { first_rest = std::move(charge); });
  EXPECT_EQ(first_rest.bytes(), 70U);
  budget->wait_for_rest(50, 90, [&](MemoryCharge charge) { second_rest = std::move(charge); });
  EXPECT_EQ(second_rest.bytes(), 0U) << "one frame beyond the capacity is the bound";
  EXPECT_EQ(budget->used_bytes(), 170U);
  first_part.give_back();
  EXPECT_EQ(second_rest.bytes(), 0U);
  first_rest.give_back();
  EXPECT_EQ(second_rest.bytes(), 50U) << "there is room for its next step";
}

TEST(MemoryBudget, ServesTheMiddleOfFramesBeforeTheirStart) {
  auto budget = MemoryBudget::make(100);
  auto a = budget->try_take(90);
  auto b = budget->try_take(10);
  std::string order;
  std::vector<MemoryCharge> charges;
  MemoryCharge overdraft;
  budget->wait_for_rest(5, 5, [&](MemoryCharge charge) { overdraft = std::move(charge); });
  budget->wait(10, [&](MemoryCharge charge) { order += 's', charges.push_back(std::move(charge)); });
  budget->wait_for_rest(10, 10, [&](MemoryCharge charge) { order += 'm', charges.push_back(std::move(charge)); });
  a.give_back();
  EXPECT_EQ(order, "ms");
}

TEST(MemoryBudget, LetsThoseBehindPassWhenOneLeavesTheLine) {
  auto budget = MemoryBudget::make(100);
  auto most = budget->try_take(90);
  bool big_granted = false;
  MemoryCharge small;
  auto big = budget->wait(50, [&](MemoryCharge) { big_granted = true; });
  budget->wait(10, [&](MemoryCharge charge) { small = std::move(charge); });
  EXPECT_EQ(small.bytes(), 0U);
  budget->cancel(big);
  budget->cancel(big);
  EXPECT_EQ(small.bytes(), 10U);
  EXPECT_FALSE(big_granted);
  EXPECT_EQ(budget->waiting(), 0U);
}

TEST(MemoryBudget, LosesNoBytesAndNoWaiterUnderThreads) {
  constexpr int threads = 4;
  constexpr int rounds = 20'000;
  auto budget = MemoryBudget::make(1'000);
  std::atomic<int> granted{0};
  std::vector<std::thread> workers;
  for (int worker = 0; worker < threads; ++worker) {
    workers.emplace_back([&, worker] {
      for (int round = 0; round < rounds; ++round) {
        auto bytes = static_cast<std::uint64_t>(1 + (round * 37 + worker * 101) % 400);
        if (auto charge = budget->try_take(bytes); charge.bytes() > 0) {
          ++granted;
        } else if (round % 3 == 0) {
          budget->wait_for_rest(bytes, bytes + 100, [&](MemoryCharge) { ++granted; });
        } else {
          budget->wait(bytes, [&](MemoryCharge) { ++granted; });
        }
      }
    });
  }
  for (auto& worker : workers) worker.join();
  EXPECT_EQ(granted, threads * rounds);
  EXPECT_EQ(budget->used_bytes(), 0U);
  EXPECT_EQ(budget->waiting(), 0U);
}

TEST(RequestBuffer, PaysItsMemoryBackWhenItIsReleasedAndNotTwice) {
  auto budget = MemoryBudget::make(1'000);
  auto buffer = RequestBuffer::allocate(600, budget->try_take(600));
  EXPECT_EQ(budget->used_bytes(), 600U);
  buffer->release();
  EXPECT_EQ(budget->used_bytes(), 0U);
  EXPECT_TRUE(buffer->bytes().empty());
  buffer.reset();
  EXPECT_EQ(budget->used_bytes(), 0U);
}

}  // namespace
}  // namespace millrace::network
