#include "broker/log/cleaned_transactions.h"

#include <gtest/gtest.h>

#include <array>

#include "test/broker/log/scrub_world.h"

namespace millrace::log {
namespace {

constexpr ProducerId producer{7};
constexpr ProducerId other{8};

constexpr std::array<std::uint8_t, 4> abort_key{0, 0, 0, 0};
constexpr std::array<std::uint8_t, 4> commit_key{0, 0, 0, 1};
const protocol::Record abort_record{.key = BytesView(abort_key)};
const protocol::Record commit_record{.key = BytesView(commit_key)};

AbortedTransaction aborted(ProducerId id, std::int64_t first, std::int64_t last) {
  return {id, Offset(first), Offset(last), Offset(last + 1)};
}

TEST(CleanedTransactions, NeedTheMarkerOfACommitWhileABatchOfItIsThere) {
  CleanedTransactions transactions;
  EXPECT_FALSE(transactions.on_batch(Offset(3), producer, true));
  EXPECT_FALSE(transactions.on_control_batch(Offset(4), producer, &commit_record).value());
  EXPECT_TRUE(transactions.on_control_batch(Offset(9), producer, &commit_record).value()) << "no batch since the last";
  EXPECT_TRUE(transactions.on_control_batch(Offset(10), other, &commit_record).value());
  EXPECT_TRUE(transactions.take_kept().empty());
}

TEST(CleanedTransactions, TellBatchesOfAnAbortedTransactionAndKeepItsEntry) {
  CleanedTransactions transactions;
  const std::array told{aborted(producer, 5, 9)};
  transactions.add_aborted(told);
  EXPECT_FALSE(transactions.on_batch(Offset(3), producer, true)) << "the transaction before";
  EXPECT_FALSE(transactions.on_control_batch(Offset(4), producer, &commit_record).value());
  EXPECT_TRUE(transactions.on_batch(Offset(6), producer, true));
  EXPECT_FALSE(transactions.on_batch(Offset(7), other, true));
  EXPECT_FALSE(transactions.on_batch(Offset(8), producer, false)) << "not in the transaction";
  transactions.add_aborted(told);  // the next segment tells it again
  EXPECT_FALSE(transactions.on_control_batch(Offset(9), producer, &abort_record).value());
  EXPECT_EQ(transactions.take_kept(), std::vector{told[0]});
  EXPECT_TRUE(transactions.take_kept().empty());
}

TEST(CleanedTransactions, NeedNoMarkerOfAnAbortWithoutBatches) {
  CleanedTransactions transactions;
  const std::array told{aborted(producer, 5, 9)};
  transactions.add_aborted(told);
  EXPECT_TRUE(transactions.on_control_batch(Offset(9), producer, &abort_record).value());
  EXPECT_TRUE(transactions.take_kept().empty());
  EXPECT_FALSE(transactions.on_batch(Offset(12), producer, true)) << "the next transaction is not aborted";
}

TEST(CleanedTransactions, NeedNoEmptiedMarkerAndEveryOneOfAnUnknownType) {
  CleanedTransactions transactions;
  EXPECT_TRUE(transactions.on_control_batch(Offset(1), producer, nullptr).value());
  constexpr std::array<std::uint8_t, 4> unknown_key{0, 0, 0, 5};
  const protocol::Record unknown{.key = BytesView(unknown_key)};
  EXPECT_FALSE(transactions.on_control_batch(Offset(2), producer, &unknown).value());
  const protocol::Record keyless;
  EXPECT_EQ(transactions.on_control_batch(Offset(3), producer, &keyless).error().kind, ErrorKind::corrupt);
}

TEST(CleanedTransactions, BeginInTheOrderOfTheirFirstOffsets) {
  CleanedTransactions transactions;
  const std::array told{aborted(other, 20, 40), aborted(producer, 10, 50)};
  transactions.add_aborted(told);
  EXPECT_TRUE(transactions.on_batch(Offset(15), producer, true));
  EXPECT_FALSE(transactions.on_batch(Offset(16), other, true));
  EXPECT_TRUE(transactions.on_batch(Offset(22), other, true));
  EXPECT_FALSE(transactions.on_control_batch(Offset(40), other, &abort_record).value());
  EXPECT_FALSE(transactions.on_control_batch(Offset(50), producer, &abort_record).value());
  EXPECT_EQ(transactions.take_kept(), (std::vector{told[0], told[1]})) << "in the order of the markers";
}

// The index says of a transaction of one producer that it is another one's, who has one later.
TEST(CleanedTransactions, WhoseIndexHasBeenDamagedEndThePassAndNothingElse) {
  test::ScrubWorld scrubbed;
  auto& world = scrubbed.world;
  ASSERT_TRUE(world.start());
  scrubbed.write_everything();
  ASSERT_TRUE(world.log()->advance_log_start_offset(Offset(1)));
  world.log()->flush([](const Status& status) { ASSERT_TRUE(status); });
  world.shard.run();
  world.config.compacted = true;
  scrubbed.flip("00000000000000000015.txnindex", 9, 2);
  test::compact(world);
  EXPECT_FALSE(world.log()->is_offline());
  EXPECT_TRUE(world.log()->is_damaged());
  EXPECT_EQ(world.log()->published().cleaned_to.load(), 1) << "from the log's start on it is dirty";
  for (const auto& name : test::names_in(world.partition_path())) EXPECT_FALSE(name.ends_with(".cleaned")) << name;
  EXPECT_TRUE(world.append({.values = {"and on"}}));
}

}  // namespace
}  // namespace millrace::log
