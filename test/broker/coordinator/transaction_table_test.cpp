#include "broker/coordinator/transaction_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/manual_shard.h"
#include "broker/protocol/record.h"

namespace millrace::coordinator {
namespace {

using protocol::ErrorCode;

constexpr PartitionIndex here{3};
constexpr BrokerId self{1};
constexpr std::int32_t timeout_ms = 60'000;

// The log of a partition of the internal topic, whichever terms it is led in.
struct StoredLog {
  std::vector<std::vector<std::uint8_t>> batches;
  std::optional<Error> unreadable;
};

// It answers when the test lets it.
class FakePartition final : public InternalPartition {
 public:
  FakePartition(StoredLog& log, LeaderEpoch epoch) : log_(log), epoch_(epoch) {}

  [[nodiscard]] LeaderEpoch leader_epoch() const override { return epoch_; }
  void read_all(ReadBatch read, ReadDone done) override {
    reading_ = [this, read = std::move(read), done = std::move(done)]() mutable {
      if (log_.unreadable) return done(tl::unexpected(*log_.unreadable));
      for (const auto& bytes : log_.batches) {
        const auto batch = protocol::parse_batch(bytes);
        if (auto taken = read(batch->header, batch->records()); !taken) return done(taken);
      }
      done({});
    };
  }
  void append(const protocol::RecordBatchBuilder& batch, std::optional<log::VerificationGuard> /*verification*/,
              AppendDone done) override {
    ++append_count;
    waiting_.push_back({*batch.build(), std::move(done)});
    if (!holds) answer_one();
  }

  void read() { std::exchange(reading_, nullptr)(); }
  void answer_one(ErrorCode error = ErrorCode::none) {
    auto append = std::move(waiting_.front());
    waiting_.pop_front();
    if (error == ErrorCode::none) log_.batches.push_back(std::move(append.bytes));
    append.done(error, Offset(0));
  }

  bool holds = false;
  int append_count = 0;

 private:
  struct Waiting {
    std::vector<std::uint8_t> bytes;
    AppendDone done;
  };

  StoredLog& log_;
  const LeaderEpoch epoch_;
  Job reading_;
  std::deque<Waiting> waiting_;
};

struct FakeMarkers final : MarkerSender {
  struct Sent {
    BrokerId destination;
    std::vector<TransactionMarker> markers;
    Done done;
  };
  std::vector<Sent> sent;

  void send(BrokerId destination, std::vector<TransactionMarker> markers, Done done) override {
    sent.push_back({destination, std::move(markers), std::move(done)});
  }
  // The oldest request is answered with this for all its partitions.
  void answer_one(ErrorCode error = ErrorCode::none) {
    auto request = std::move(sent.front());
    sent.erase(sent.begin());
    std::vector<std::vector<MarkerOutcome>> outcomes;
    for (const auto& marker : request.markers) {
      auto& of_marker = outcomes.emplace_back();
      for (const auto& partition : marker.partitions) of_marker.push_back({partition, error});
    }
    request.done(std::move(outcomes));
  }
  void lose_one() {
    auto request = std::move(sent.front());
    sent.erase(sent.begin());
    request.done(std::nullopt);
  }
};

struct Leaders final : PartitionLeaders {
  std::map<std::string, BrokerId> of_topic;
  [[nodiscard]] std::optional<BrokerId> leader_of(const TopicPartition& partition) const override {
    const auto found = of_topic.find(partition.topic);
    return found == of_topic.end() ? self : found->second;
  }
};

struct TransactionTables : testing::Test {
  using Answered = std::shared_ptr<std::optional<TransactionAnswer>>;

  std::shared_ptr<FakePartition> begin_term(std::int32_t epoch = 5) {
    log = std::make_shared<FakePartition>(stored, LeaderEpoch(epoch));
    table.on_leading(here, log);
    return log;
  }
  void lead(std::int32_t epoch = 5) { begin_term(epoch)->read(); }

  Answered call(TransactionTable::Invoke invoke, PartitionIndex partition = here) {
    auto answered = std::make_shared<std::optional<TransactionAnswer>>();
    table.call(partition, std::move(invoke), [answered](const TransactionAnswer& answer) {
      EXPECT_FALSE(answered->has_value());
      *answered = answer;
    });
    return answered;
  }
  Answered init(const std::string& id = "t", PartitionIndex partition = here) {
    return call([id](TransactionCoordinator& coordinator, TransactionCall number,
                     TimestampMs now) { return coordinator.init_producer_id(number, {id, timeout_ms}, now); },
                partition);
  }
  Answered add(const TransactionAnswer& producer, const std::string& topic = "orders", const std::string& id = "t") {
    return call([=](TransactionCoordinator& coordinator, TransactionCall number, TimestampMs now) {
      return coordinator.add_partitions(number, {id, producer.producer_id, producer.producer_epoch},
                                        {{topic, PartitionIndex(0)}}, now);
    });
  }
  Answered end(const TransactionAnswer& producer, bool commit = true, const std::string& id = "t") {
    return call([=](TransactionCoordinator& coordinator, TransactionCall number, TimestampMs now) {
      return coordinator.end(number, {id, producer.producer_id, producer.producer_epoch}, commit, now);
    });
  }
  // A producer with an open transaction.
  TransactionAnswer open(const std::string& topic = "orders", const std::string& id = "t") {
    const auto producer = init(id);
    EXPECT_EQ((*producer)->error, ErrorCode::none);
    EXPECT_EQ((*add(**producer, topic, id))->error, ErrorCode::none);
    return **producer;
  }
  std::optional<TransactionState> state(const std::string& id = "t") {
    const auto asked =
        table.ask(here, [&](const TransactionCoordinator& coordinator) -> tl::expected<TransactionState, ErrorCode> {
          const auto described = coordinator.describe(id);
          if (!described) return tl::unexpected(described.error());
          return (*described)->state;
        });
    return asked && *asked ? std::optional(**asked) : std::nullopt;
  }

  ManualShard shard;
  Leaders leaders;
  FakeMarkers markers;
  StoredLog stored;
  std::shared_ptr<FakePartition> log;
  ProducerId next_id{4000};
  std::vector<TransactionTable::IdReply> held_ids;
  bool holds_ids = false;
  TransactionTable table{{shard, leaders, markers,
                          [this](TransactionTable::IdReply reply) {
                            if (holds_ids) return held_ids.push_back(std::move(reply));
                            next_id = next_id + 1;
                            reply(next_id);
                          }},
                         {}};
};

TEST_F(TransactionTables, GiveAProducerItsIdOnceItIsStored) {
  lead();
  log->holds = true;
  const auto answered = init();
  EXPECT_FALSE(answered->has_value());
  log->answer_one();
  ASSERT_TRUE(answered->has_value());
  EXPECT_EQ((*answered)->error, ErrorCode::none);
  EXPECT_EQ((*answered)->producer_id, ProducerId(4001));
  EXPECT_EQ((*answered)->producer_epoch, ProducerEpoch(0));
  EXPECT_EQ(stored.batches.size(), 1U);
}

TEST_F(TransactionTables, AnswerForPartitionsThatAreNotHereAsKafkaDoes) {
  EXPECT_EQ((*init())->error, ErrorCode::not_coordinator);
  EXPECT_EQ((*init(""))->error, ErrorCode::invalid_request) << "whoever is asked";
  lead();
  EXPECT_EQ((*init("t", PartitionIndex(4)))->error, ErrorCode::not_coordinator);
}

TEST_F(TransactionTables, AnswerWhileTheyLoadThatTheyDo) {
  begin_term();
  EXPECT_EQ((*init())->error, ErrorCode::coordinator_load_in_progress);
  EXPECT_EQ(table.list({}).error(), ErrorCode::coordinator_load_in_progress);
  log->read();
  EXPECT_EQ((*init())->error, ErrorCode::none);
  EXPECT_EQ(table.list({})->size(), 1U);
}

TEST_F(TransactionTables, GoOnWhereTheTermBeforeHasEnded) {
  lead();
  const auto producer = open();
  table.on_resigned(here);
  EXPECT_EQ((*end(producer))->error, ErrorCode::not_coordinator);
  lead(6);
  EXPECT_EQ(state(), TransactionState::ongoing);
  EXPECT_EQ((*end(producer))->error, ErrorCode::none);
}

TEST_F(TransactionTables, DoNotServeALogThatCannotBeRead) {
  stored.unreadable = Error{ErrorKind::io, "no"};
  lead();
  EXPECT_EQ((*init())->error, ErrorCode::coordinator_not_available);
  EXPECT_FALSE(table.ask(here, [](const TransactionCoordinator&) { return 0; }));
  stored.unreadable.reset();
  lead(6);
  EXPECT_EQ((*init())->error, ErrorCode::none);
}

TEST_F(TransactionTables, EndATransactionInItsPartitions) {
  lead();
  const auto producer = open();
  EXPECT_EQ((*end(producer))->error, ErrorCode::none);
  EXPECT_EQ(state(), TransactionState::prepare_commit);
  ASSERT_EQ(markers.sent.size(), 1U);
  EXPECT_EQ(markers.sent[0].destination, self);
  const auto& marker = markers.sent[0].markers.at(0);
  EXPECT_TRUE(marker.committed);
  EXPECT_EQ(marker.coordinator_epoch, LeaderEpoch(5));
  markers.answer_one();
  EXPECT_EQ(state(), TransactionState::complete_commit);
}

TEST_F(TransactionTables, SendMarkersThatWereLostOrRefusedAgain) {
  lead();
  EXPECT_EQ((*end(open()))->error, ErrorCode::none);
  markers.lose_one();
  EXPECT_TRUE(markers.sent.empty());
  shard.advance(std::chrono::milliseconds(100));
  ASSERT_EQ(markers.sent.size(), 1U);
  markers.answer_one(ErrorCode::not_leader_or_follower);
  shard.advance(std::chrono::milliseconds(100));
  ASSERT_EQ(markers.sent.size(), 1U);
  markers.answer_one();
  EXPECT_EQ(state(), TransactionState::complete_commit);
  shard.advance(std::chrono::seconds(1));
  EXPECT_TRUE(markers.sent.empty());
}

TEST_F(TransactionTables, WaitForALeaderOfAPartitionThatHasNone) {
  lead();
  leaders.of_topic["orders"] = BrokerId::none();
  EXPECT_EQ((*end(open()))->error, ErrorCode::none);
  shard.advance(std::chrono::seconds(1));
  EXPECT_TRUE(markers.sent.empty());
  leaders.of_topic["orders"] = BrokerId(2);
  shard.advance(std::chrono::milliseconds(100));
  ASSERT_EQ(markers.sent.size(), 1U);
  EXPECT_EQ(markers.sent[0].destination, BrokerId(2));
}

TEST_F(TransactionTables, StoreTheEndOfATransactionAgainWhenThatFailed) {
  lead();
  EXPECT_EQ((*end(open()))->error, ErrorCode::none);
  log->holds = true;
  markers.answer_one();
  log->answer_one(ErrorCode::not_enough_replicas);
  EXPECT_EQ(state(), TransactionState::prepare_commit);
  log->holds = false;
  shard.advance(std::chrono::milliseconds(100));
  EXPECT_EQ(state(), TransactionState::complete_commit);
}

TEST_F(TransactionTables, FinishWhatWasDecidedInAnEarlierTerm) {
  lead();
  EXPECT_EQ((*end(open(), false))->error, ErrorCode::none);
  markers.sent.clear();
  table.on_resigned(here);
  lead(6);
  ASSERT_EQ(markers.sent.size(), 1U);
  EXPECT_FALSE(markers.sent[0].markers.at(0).committed);
  EXPECT_EQ(markers.sent[0].markers.at(0).coordinator_epoch, LeaderEpoch(6));
  markers.answer_one();
  EXPECT_EQ(state(), TransactionState::complete_abort);
}

TEST_F(TransactionTables, AbortWhatIsOpenForTooLong) {
  lead();
  open();
  shard.advance(std::chrono::milliseconds(timeout_ms));
  EXPECT_TRUE(markers.sent.empty());
  shard.advance(std::chrono::seconds(20));
  ASSERT_EQ(markers.sent.size(), 1U);
  EXPECT_FALSE(markers.sent[0].markers.at(0).committed);
  EXPECT_EQ(markers.sent[0].markers.at(0).producer_epoch, ProducerEpoch(1));
}

TEST_F(TransactionTables, ForgetIdsThatNobodyUses) {
  lead();
  EXPECT_EQ((*init())->error, ErrorCode::none);
  shard.advance(std::chrono::hours(7 * 24 - 2));
  EXPECT_EQ(state(), TransactionState::empty);
  shard.advance(std::chrono::hours(4));
  EXPECT_EQ(state(), std::nullopt);
  table.on_resigned(here);
  lead(6);
  EXPECT_EQ(table.list({})->size(), 0U) << "the tombstone is stored";
}

TEST_F(TransactionTables, HearNothingOfAnEarlierTerm) {
  lead();
  const auto producer = open();
  log->holds = true;
  const auto ending = end(producer);
  const auto old_log = log;
  holds_ids = true;
  const auto other = init("u");
  table.on_resigned(here);
  EXPECT_EQ((*ending)->error, ErrorCode::not_coordinator);
  EXPECT_EQ((*other)->error, ErrorCode::not_coordinator);
  lead(6);
  const auto appended = log->append_count;
  old_log->answer_one();
  held_ids.at(0)(ProducerId(77));
  EXPECT_EQ(log->append_count, appended);
  EXPECT_TRUE(markers.sent.empty());
}

TEST_F(TransactionTables, AreSilentWhenALoadEndsAfterItsTerm) {
  const auto old_log = begin_term();
  table.on_resigned(here);
  old_log->read();
  EXPECT_EQ((*init())->error, ErrorCode::not_coordinator);
}

TEST_F(TransactionTables, TellAProducerWhyItGetsNoId) {
  lead();
  holds_ids = true;
  const auto answered = init();
  EXPECT_FALSE(answered->has_value());
  held_ids.at(0)(tl::unexpected(ErrorCode::coordinator_load_in_progress));
  EXPECT_EQ((*answered)->error, ErrorCode::coordinator_load_in_progress);
}

TEST_F(TransactionTables, LeadNothingOnceTheBrokerStops) {
  lead();
  log->holds = true;
  const auto waiting = init();
  table.unload_all();
  EXPECT_EQ((*waiting)->error, ErrorCode::not_coordinator);
  table.on_leading(here, std::make_shared<FakePartition>(stored, LeaderEpoch(6)));
  EXPECT_EQ((*init())->error, ErrorCode::not_coordinator);
  shard.advance(std::chrono::hours(2));
}

}  // namespace
}  // namespace millrace::coordinator
