#include "broker/log/producer_state.h"

#include <gtest/gtest.h>

#include <deque>
#include <limits>
#include <map>

#include "broker/log/producer_snapshot.h"
#include "test/broker/log/log_world.h"
#include "test/support/source_tree.h"

namespace millrace::log::test {
namespace {

constexpr auto max_sequence = std::numeric_limits<std::int32_t>::max();

ProducerAppend append_of(std::int64_t id, std::int16_t epoch, std::int32_t first, std::int32_t count,
                         std::int64_t offset, std::int64_t timestamp = 1000) {
  ProducerAppend append;
  append.id = ProducerId(id);
  append.epoch = ProducerEpoch(epoch);
  append.first_sequence = Sequence(first);
  append.last_sequence = protocol::add_to_sequence(Sequence(first), count - 1);
  append.first_offset = Offset(offset);
  append.last_offset = Offset(offset + count - 1);
  append.max_timestamp = TimestampMs(timestamp);
  return append;
}

struct Producers : testing::Test {
  std::optional<AppendErrorKind> error_of(const ProducerAppend& append, AppendOrigin origin = AppendOrigin::client) {
    auto allowed = state.check(append, origin);
    return allowed ? std::nullopt : std::optional(allowed.error().kind);
  }
  ProducerState state{"events-0", 86'400'000, 1000};
};

TEST_F(Producers, ThatAreUnknownMayStartAnywhere) { EXPECT_FALSE(error_of(append_of(1, 0, 57, 3, 0))); }

TEST_F(Producers, GoOnAfterTheirLastSequenceAndNowhereElse) {
  state.apply(append_of(1, 0, 0, 10, 0));
  EXPECT_FALSE(error_of(append_of(1, 0, 10, 1, 10)));
  EXPECT_EQ(error_of(append_of(1, 0, 11, 1, 10)), AppendErrorKind::out_of_order_sequence);
  EXPECT_EQ(error_of(append_of(1, 0, 9, 1, 10)), AppendErrorKind::out_of_order_sequence);
  EXPECT_FALSE(error_of(append_of(1, 0, 11, 1, 10), AppendOrigin::replica)) << "the leader has checked";
  EXPECT_FALSE(error_of(append_of(1, 0, 11, 1, 10), AppendOrigin::coordinator));
}

TEST_F(Producers, StartANewEpochAtSequenceZero) {
  state.apply(append_of(1, 3, 0, 10, 0));
  EXPECT_FALSE(error_of(append_of(1, 4, 0, 1, 10)));
  EXPECT_EQ(error_of(append_of(1, 4, 10, 1, 10)), AppendErrorKind::out_of_order_sequence);
  EXPECT_EQ(error_of(append_of(1, 2, 10, 1, 10)), AppendErrorKind::invalid_producer_epoch);
}

TEST(ManyProducers, ForgetTheTenthThatHasBeenIdleForLongest) {
  ProducerState state{"events-0", 86'400'000, 100};
  for (int id = 0; id <= 100; ++id) state.apply(append_of(id, 0, 0, 1, id, id == 100 ? 0 : 1000 + id));
  EXPECT_EQ(state.entries().size(), 90U);
  EXPECT_EQ(state.find(ProducerId(10)), nullptr);
  EXPECT_NE(state.find(ProducerId(11)), nullptr);
  EXPECT_NE(state.find(ProducerId(100)), nullptr) << "it has just written, whatever its records' timestamps are";
}

TEST(ManyProducers, KeepTheirPlacesWithTransactionsThatAreOpen) {
  ProducerState state{"events-0", 86'400'000, 100};
  for (int id = 0; id < 150; ++id) {
    auto append = append_of(id, 0, 0, 1, id);
    append.transactional = true;
    state.apply(append);
  }
  EXPECT_EQ(state.entries().size(), 150U);
  for (int id = 150; id < 170; ++id) state.apply(append_of(id, 0, 0, 1, id));
  EXPECT_NE(state.find(ProducerId(169)), nullptr) << "not the one that makes the others too many";
  EXPECT_LE(state.entries().size(), 150U + 2 * 11U);
  for (int id = 0; id < 150; ++id) EXPECT_NE(state.find(ProducerId(id)), nullptr) << id;
}

TEST_F(Producers, WrapFromTheLargestSequenceToZero) {
  state.apply(append_of(1, 0, max_sequence - 1, 2, 0));
  EXPECT_FALSE(error_of(append_of(1, 0, 0, 1, 2)));
  state.apply(append_of(2, 0, max_sequence, 3, 10));
  EXPECT_EQ(state.find(ProducerId(2))->last_sequence(), Sequence(1));
  EXPECT_FALSE(error_of(append_of(2, 0, 2, 1, 13)));
  const auto* duplicate = state.find_duplicate(append_of(2, 0, max_sequence, 3, 99));
  ASSERT_NE(duplicate, nullptr) << "a batch that wraps is recognised too";
  EXPECT_EQ(duplicate->first_offset(), Offset(10));
}

TEST_F(Producers, AreKnownByTheirNewestFiveBatches) {
  for (int number = 0; number < 7; ++number) state.apply(append_of(1, 0, number * 10, 10, 100 + number * 10));
  EXPECT_EQ(state.find_duplicate(append_of(1, 0, 10, 10, 0)), nullptr) << "forgotten";
  for (int number = 2; number < 7; ++number) {
    const auto* duplicate = state.find_duplicate(append_of(1, 0, number * 10, 10, 0));
    ASSERT_NE(duplicate, nullptr);
    EXPECT_EQ(duplicate->first_offset(), Offset(100 + number * 10));
    EXPECT_EQ(duplicate->last_offset, Offset(109 + number * 10));
  }
  EXPECT_EQ(state.find_duplicate(append_of(1, 0, 60, 5, 0)), nullptr) << "the same start is not the same batch";
  EXPECT_EQ(state.find_duplicate(append_of(1, 1, 60, 10, 0)), nullptr) << "nor is the same range of another epoch";
  state.apply(append_of(1, 1, 0, 1, 170));
  EXPECT_EQ(state.find_duplicate(append_of(1, 0, 60, 10, 0)), nullptr) << "a new epoch forgets the old one's batches";
}

TEST_F(Producers, ExpireUnlessATransactionIsOpen) {
  state.apply(append_of(1, 0, 0, 1, 0, 1000));
  auto open = append_of(2, 0, 0, 1, 1, 1000);
  open.transactional = true;
  state.apply(open);
  state.remove_expired(TimestampMs(1000 + 86'399'999));
  EXPECT_EQ(state.size(), 2U);
  state.remove_expired(TimestampMs(1000 + 86'400'000));
  EXPECT_EQ(state.find(ProducerId(1)), nullptr);
  EXPECT_NE(state.find(ProducerId(2)), nullptr);
}

TEST_F(Producers, AreBoundedAndTheLongestIdleGoFirst) {
  for (int id = 0; id < 5000; ++id) state.apply(append_of(id, 0, 0, 1, id, 1000 + id));
  EXPECT_LE(state.size(), 1000U);
  EXPECT_GE(state.size(), 899U);
  EXPECT_NE(state.find(ProducerId(4999)), nullptr);
  EXPECT_EQ(state.find(ProducerId(0)), nullptr);
}

TEST_F(Producers, HoldTheFirstOffsetOfOpenTransactionsUntilTheirMarker) {
  auto begin = [](std::int64_t id, std::int64_t offset) {
    auto append = append_of(id, 0, 0, 2, offset);
    append.transactional = true;
    return append;
  };
  auto end = [](std::int64_t id, std::int64_t offset, std::int32_t coordinator_epoch) {
    auto append = append_of(id, 0, 0, 1, offset);
    append.transactional = append.control = true;
    append.first_sequence = append.last_sequence = Sequence::none();
    append.marker = TransactionMarker{true, coordinator_epoch};
    return append;
  };
  EXPECT_EQ(state.first_open_transaction(), Offset::none());
  state.apply(begin(1, 10));
  state.apply(begin(2, 20));
  EXPECT_EQ(state.first_open_transaction(), Offset(10));
  EXPECT_EQ(error_of(append_of(1, 0, 2, 1, 30)), AppendErrorKind::invalid_transaction_state)
      << "a record outside the open transaction";
  EXPECT_FALSE(error_of(end(1, 30, 5), AppendOrigin::coordinator));
  state.apply(end(1, 30, 5));
  EXPECT_EQ(state.first_open_transaction(), Offset(20));
  EXPECT_EQ(error_of(end(1, 31, 4), AppendOrigin::coordinator), AppendErrorKind::coordinator_fenced);
  EXPECT_EQ(state.find(ProducerId(1))->last_sequence(), Sequence(1)) << "a marker is no batch of the producer";
  state.apply(end(2, 40, 5));
  EXPECT_EQ(state.first_open_transaction(), Offset::none());
}

struct VerifiedProducers : Producers {
  static constexpr TimestampMs now{1'700'000'000'000};

  static ProducerAppend records(std::int32_t sequence, std::int64_t offset) {
    auto append = append_of(1, 0, sequence, 2, offset);
    append.transactional = true;
    return append;
  }
  static ProducerAppend marker(std::int64_t offset) {
    auto append = append_of(1, 0, 0, 1, offset);
    append.transactional = append.control = true;
    append.first_sequence = append.last_sequence = Sequence::none();
    append.marker = TransactionMarker{false, 5};
    return append;
  }
  // The guard of the question that is asked now.
  VerificationGuard ask(const ProducerAppend& append) {
    const auto verified = state.verify(append, VerificationGuard::none(), now);
    EXPECT_FALSE(verified);
    EXPECT_EQ(verified.error().kind, AppendErrorKind::unverified);
    return verified.error().guard;
  }
  std::optional<AppendErrorKind> refusal(const ProducerAppend& append, VerificationGuard guard) {
    const auto verified = state.verify(append, guard, now);
    return verified ? std::nullopt : std::optional(verified.error().kind);
  }
};

TEST_F(VerifiedProducers, NeedTheCoordinatorsWordForTheFirstRecordsOnly) {
  const auto guard = ask(records(0, 10));
  EXPECT_EQ(refusal(records(0, 10), guard), std::nullopt);
  state.apply(records(0, 10));
  EXPECT_EQ(refusal(records(2, 12), VerificationGuard::none()), std::nullopt) << "the transaction is open";
}

TEST_F(VerifiedProducers, AreNotLetInByAWordThatAMarkerHasOvertaken) {
  const auto guard = ask(records(0, 10));
  state.apply(marker(10));
  EXPECT_EQ(refusal(records(0, 11), guard), AppendErrorKind::invalid_transaction_state);
  const auto next = ask(records(0, 11));
  EXPECT_EQ(refusal(records(0, 11), guard), AppendErrorKind::invalid_transaction_state) << "asked for the next one";
  EXPECT_EQ(refusal(records(0, 11), next), std::nullopt);
}

TEST_F(VerifiedProducers, BeginWithTheLowestSequenceThatWasAskedAbout) {
  ask(records(0, 10));
  const auto guard = ask(records(2, 10));
  EXPECT_EQ(refusal(records(2, 10), guard), std::nullopt);
  EXPECT_EQ(error_of(records(2, 10)), AppendErrorKind::out_of_order_sequence);
  EXPECT_FALSE(error_of(records(0, 10)));
}

TEST_F(VerifiedProducers, AreForgottenWithTheirQuestionsWhenTheyExpire) {
  const auto guard = ask(records(0, 10));
  EXPECT_FALSE(state.empty());
  state.remove_expired(now + 86'400'000);
  EXPECT_TRUE(state.empty());
  EXPECT_EQ(refusal(records(0, 10), guard), AppendErrorKind::invalid_transaction_state);
}

// Everything that a client may send, against a model that remembers whole histories.
TEST_F(Producers, AgreeWithAModelOverRandomHistories) {
  struct Model {
    std::int16_t epoch;
    std::deque<std::pair<std::int32_t, std::int32_t>> newest;  // first and last sequence
  };
  std::map<std::int64_t, Model> model;
  SeededRandom random(20);
  std::int64_t offset = 0;
  int accepted = 0;
  for (int round = 0; round < 50'000; ++round) {
    const auto id = static_cast<std::int64_t>(random.below(4));
    auto known = model.find(id);
    const bool is_known = known != model.end();
    auto epoch = static_cast<std::int16_t>(is_known ? known->second.epoch : 0);
    if (random.below(10) == 0)
      epoch =
          static_cast<std::int16_t>(std::max<std::int64_t>(0, epoch + static_cast<std::int64_t>(random.below(3)) - 1));
    const auto count = static_cast<std::int32_t>(1 + random.below(5));
    std::int32_t next = is_known ? protocol::add_to_sequence(Sequence(known->second.newest.back().second), 1).value()
                                 : max_sequence - 10;
    auto first = next;
    switch (random.below(4)) {
      case 0:
        first = 0;
        break;
      case 1:
        first = std::max(0, next - static_cast<std::int32_t>(random.below(8)));
        break;
      default:
        break;
    }
    auto append = append_of(id, epoch, first, count, offset);
    const auto last = append.last_sequence.value();
    bool duplicate = false;
    std::optional<AppendErrorKind> expected;
    if (is_known) {
      for (auto range : known->second.newest)
        duplicate |= epoch == known->second.epoch && range == std::pair(first, last);
      if (epoch < known->second.epoch) {
        expected = AppendErrorKind::invalid_producer_epoch;
      } else if (epoch > known->second.epoch ? first != 0 : first != next) {
        expected = AppendErrorKind::out_of_order_sequence;
      }
    }
    ASSERT_EQ(state.find_duplicate(append) != nullptr, duplicate) << "round " << round;
    if (duplicate) continue;
    ASSERT_EQ(error_of(append), expected) << "round " << round;
    if (expected) continue;
    state.apply(append);
    ++accepted;
    offset += count;
    if (!is_known || known->second.epoch != epoch) model[id] = {epoch, {}};
    model[id].newest.emplace_back(first, last);
    if (model[id].newest.size() > 5) model[id].newest.pop_front();
  }
  EXPECT_GT(accepted, 10'000);
}

TEST(ProducerSnapshot, ReadsWhatKafkaWroteAndWritesTheSameBytes) {
  const auto directory = source_path("test/broker/log/golden/kafka_3_9_clean");
  auto bytes = file_bytes(directory + "/codecs-0/00000000000000000600.snapshot");
  auto entries = decode_producer_snapshot(bytes, "golden");
  ASSERT_TRUE(entries) << entries.error().message;
  ASSERT_EQ(entries->size(), 5U);
  const auto& second = (*entries)[1];
  EXPECT_EQ(second.id, ProducerId(1));
  EXPECT_EQ(second.epoch, ProducerEpoch(0));
  EXPECT_EQ(second.coordinator_epoch, -1);
  EXPECT_EQ(second.last_timestamp, TimestampMs(1'795'271'293'732));
  EXPECT_EQ(second.last_sequence(), Sequence(119));
  EXPECT_EQ(second.last_offset(), Offset(239));
  EXPECT_EQ(second.batches.newest().first_sequence(), Sequence(105));
  EXPECT_FALSE(second.transaction_first_offset);
  EXPECT_EQ(encode_producer_snapshot(*entries), bytes);
  auto transactional = file_bytes(directory + "/transactions-0/00000000000000000045.snapshot");
  auto transactional_entries = decode_producer_snapshot(transactional, "golden");
  ASSERT_TRUE(transactional_entries);
  EXPECT_EQ(transactional_entries->front().coordinator_epoch, 0);
  EXPECT_EQ(encode_producer_snapshot(*transactional_entries), transactional);
  EXPECT_EQ(encode_producer_snapshot({}), file_bytes(directory + "/appendtime-0/00000000000000000150.snapshot"));
}

TEST(ProducerSnapshot, RefusesEveryFlippedByteAndEveryCut) {
  ProducerEntry entry;
  entry.id = ProducerId(9);
  entry.batches.add({Sequence(4), Offset(10), 4, TimestampMs(5)});
  const auto good = encode_producer_snapshot({entry, entry});
  ASSERT_TRUE(decode_producer_snapshot(good, "s"));
  for (std::size_t at = 0; at < good.size(); ++at) {
    auto bad = good;
    bad[at] ^= 0x10;
    EXPECT_FALSE(decode_producer_snapshot(bad, "s")) << at;
    EXPECT_FALSE(decode_producer_snapshot(BytesView(good).first(at), "s")) << at;
  }
}

}  // namespace
}  // namespace millrace::log::test
