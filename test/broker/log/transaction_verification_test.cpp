#include "broker/log/transaction_verification.h"

#include <gtest/gtest.h>

namespace millrace::log {
namespace {

constexpr ProducerId producer{4000};
constexpr ProducerEpoch epoch{2};

struct OpenQuestions : testing::Test {
  VerificationGuard start(std::int32_t sequence, ProducerEpoch of = epoch) {
    return verification.start(producer, of, Sequence(sequence), now);
  }

  TransactionVerification verification{10};
  TimestampMs now{1000};
};

TEST_F(OpenQuestions, StayTheSameUntilRecordsOrAMarkerCome) {
  const auto guard = start(5);
  EXPECT_EQ(start(6), guard);
  EXPECT_TRUE(verification.is_open(producer, guard));
  verification.end(producer);
  EXPECT_FALSE(verification.is_open(producer, guard));
  EXPECT_NE(start(5), guard) << "the answer to the old one is not for the new one";
  EXPECT_FALSE(verification.is_open(producer, guard));
}

TEST_F(OpenQuestions, AreNotThoseOfAnotherLog) {
  TransactionVerification other{10};
  EXPECT_NE(other.start(producer, epoch, Sequence(0), now), start(0));
}

TEST_F(OpenQuestions, KnowTheLowestSequenceOfTheNewestEpoch) {
  EXPECT_EQ(verification.lowest_sequence(producer), std::nullopt);
  start(5);
  start(9);
  EXPECT_EQ(verification.lowest_sequence(producer), Sequence(5));
  start(3);
  EXPECT_EQ(verification.lowest_sequence(producer), Sequence(3));
  start(7, ProducerEpoch(3));
  EXPECT_EQ(verification.lowest_sequence(producer), Sequence(7));
  start(1);
  EXPECT_EQ(verification.lowest_sequence(producer), Sequence(7)) << "of an older epoch";
}

TEST_F(OpenQuestions, AreForgottenWhenNobodyComesBack) {
  const auto guard = start(0);
  verification.remove_older(TimestampMs(999));
  EXPECT_TRUE(verification.is_open(producer, guard));
  verification.remove_older(TimestampMs(1000));
  EXPECT_FALSE(verification.is_open(producer, guard));
}

TEST_F(OpenQuestions, OfMoreProducersThanAllowedAreTheNewest) {
  for (int id = 0; id < 100; ++id) verification.start(ProducerId(id), epoch, Sequence(0), TimestampMs(1000 + id));
  EXPECT_LE(verification.size(), 10U);
  EXPECT_EQ(verification.lowest_sequence(ProducerId(99)), Sequence(0));
  EXPECT_EQ(verification.lowest_sequence(ProducerId(0)), std::nullopt);
}

}  // namespace
}  // namespace millrace::log
