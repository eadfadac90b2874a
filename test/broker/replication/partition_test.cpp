// One partition over a real log: what its leader takes, what waits, what wakes.
#include "broker/replication/partition.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "test/broker/log/synced_world.h"

namespace millrace::replication {
namespace {

using log::test::BatchSpec;
using log::test::LogWorld;
using log::test::make_batch;

constexpr BrokerId self{7};
constexpr BrokerId other{8};

struct Partitions : testing::Test {
  void start(const PartitionConfig& config = {}, std::size_t journal_files = 2) {
    partition.reset();
    world = std::make_unique<LogWorld>(config.log, files);
    world->options.journal.files = journal_files;
    ASSERT_TRUE(world->start());
    partition = std::make_shared<Partition>(self, world->log(), config);
  }
  void SetUp() override { start(); }

  using Outcome = std::optional<PartitionAppendOutcome>;
  // Starts an append; its outcome appears when it completes.
  std::shared_ptr<Outcome> begin_append(const BatchSpec& spec, bool all_replicas = false) {
    auto bytes = std::make_shared<log::test::Bytes>(make_batch(spec));
    auto outcome = std::make_shared<Outcome>();
    partition->append({*bytes, world->shard.clock().wall_clock(), all_replicas},
                      [bytes, outcome](PartitionAppendOutcome got) { *outcome = std::move(got); });
    return outcome;
  }
  Outcome append(const BatchSpec& spec, bool all_replicas = false) {
    auto outcome = begin_append(spec, all_replicas);
    world->shard.run();
    return *outcome;
  }
  std::optional<PartitionRefusal> append_refusal(bool all_replicas = false) {
    auto outcome = append({.values = {"v"}}, all_replicas);
    EXPECT_TRUE(outcome);
    return *outcome ? std::nullopt : outcome->error().refusal;
  }
  PartitionFetchOutcome fetch(const FetchCall& call) {
    std::optional<PartitionFetchOutcome> outcome;
    partition->fetch(call, [&](PartitionFetchOutcome got) { outcome = std::move(got); });
    world->shard.run();
    EXPECT_TRUE(outcome);
    return std::move(*outcome);
  }
  PartitionOffsetOutcome find_offset(TimestampMs timestamp, LeaderEpoch epoch = LeaderEpoch::none(),
                                     bool committed = false) {
    std::optional<PartitionOffsetOutcome> outcome;
    partition->find_offset({timestamp, epoch, committed},
                           [&](PartitionOffsetOutcome got) { outcome = std::move(got); });
    world->shard.run();
    EXPECT_TRUE(outcome);
    return std::move(*outcome);
  }
  FetchWaitPointer wait(std::int64_t missing_bytes, int& wakes) {
    return std::make_shared<FetchWait>(world->shard, missing_bytes, [&wakes] { ++wakes; });
  }

  log::test::FaultFileSystem files;
  std::unique_ptr<LogWorld> world;
  std::shared_ptr<Partition> partition;
};

TEST_F(Partitions, AnswerNothingWhileAnotherBrokerLeads) {
  EXPECT_EQ(append_refusal(), PartitionRefusal::not_leader);
  EXPECT_EQ(fetch({.offset = Offset(0)}).error().refusal, PartitionRefusal::not_leader);
  EXPECT_EQ(find_offset(log::OffsetSpec::latest).error().refusal, PartitionRefusal::not_leader);
  EXPECT_EQ(partition->leader_epoch(), LeaderEpoch::none());
}

TEST_F(Partitions, CommitAtOnceWhatALonelyLeaderAppends) {
  ASSERT_TRUE(partition->lead(LeaderEpoch(3), {self}));
  auto outcome = append({.values = {"a", "b"}}, true);
  ASSERT_TRUE(outcome && *outcome);
  EXPECT_EQ((*outcome)->base_offset, Offset(0));
  EXPECT_EQ(partition->high_watermark(), Offset(2));
  EXPECT_EQ(world->log()->published().high_watermark, 2);
  EXPECT_EQ(world->log()->leader_epoch_for(Offset(1)), LeaderEpoch(3));
  auto fetched = fetch({.offset = Offset(1), .max_bytes = 1000});
  ASSERT_TRUE(fetched);
  EXPECT_EQ(fetched->high_watermark, Offset(2));
  EXPECT_EQ(fetched->last_stable_offset, Offset(2));
  EXPECT_EQ(fetched->records.length_bytes, fetched->first_batch_bytes);
}

TEST_F(Partitions, TellOlderFromNewerLeaderEpochs) {
  ASSERT_TRUE(partition->lead(LeaderEpoch(3), {self}));
  EXPECT_EQ(fetch({.offset = Offset(0), .current_leader_epoch = LeaderEpoch(2)}).error().refusal,
            PartitionRefusal::fenced_leader_epoch);
  EXPECT_EQ(fetch({.offset = Offset(0), .current_leader_epoch = LeaderEpoch(4)}).error().refusal,
            PartitionRefusal::unknown_leader_epoch);
  EXPECT_TRUE(fetch({.offset = Offset(0), .current_leader_epoch = LeaderEpoch(3)}));
  EXPECT_EQ(find_offset(log::OffsetSpec::latest, LeaderEpoch(2)).error().refusal,
            PartitionRefusal::fenced_leader_epoch);
  ASSERT_TRUE(partition->lead(LeaderEpoch(2), {self})) << "an older term changes nothing";
  EXPECT_EQ(partition->leader_epoch(), LeaderEpoch(3));
}

TEST_F(Partitions, PassTheLogsOwnRefusalOn) {
  ASSERT_TRUE(partition->lead(LeaderEpoch(0), {self}));
  auto fetched = fetch({.offset = Offset(9)});
  ASSERT_FALSE(fetched);
  EXPECT_FALSE(fetched.error().refusal);
  EXPECT_EQ(fetched.error().error.kind, log::ReadErrorKind::offset_out_of_range);
  auto outcome = append({.values = {"v"},
                         .producer_id = ProducerId(1),
                         .producer_epoch = ProducerEpoch(0),
                         .base_sequence = Sequence(0)});
  ASSERT_TRUE(outcome && *outcome);
  outcome = append({.values = {"v"},
                    .producer_id = ProducerId(1),
                    .producer_epoch = ProducerEpoch(0),
                    .base_sequence = Sequence(5)});
  ASSERT_TRUE(outcome && !*outcome);
  EXPECT_FALSE(outcome->error().refusal);
  EXPECT_EQ(outcome->error().error.kind, log::AppendErrorKind::out_of_order_sequence);
}

TEST_F(Partitions, RefuseAllReplicasBelowMinInsyncReplicasAndNothingElse) {
  PartitionConfig config;
  config.min_in_sync_replicas = 2;
  start(config);
  ASSERT_TRUE(partition->lead(LeaderEpoch(0), {self}));
  EXPECT_EQ(append_refusal(true), PartitionRefusal::not_enough_replicas);
  EXPECT_EQ(world->log()->log_end_offset(), Offset(0));
  EXPECT_EQ(append_refusal(false), std::nullopt);
  config.min_in_sync_replicas = 1;
  partition->set_config(config);
  EXPECT_EQ(append_refusal(true), std::nullopt);
}

TEST_F(Partitions, KeepAllReplicasWaitingForTheFollowersAndHideTheirRecords) {
  ASSERT_TRUE(partition->lead(LeaderEpoch(0), {self, other}));
  auto quick = append({.values = {"a"}});
  ASSERT_TRUE(quick && *quick) << "acks=1 does not wait";
  auto waiting = begin_append({.values = {"b"}}, true);
  world->shard.run();
  EXPECT_FALSE(*waiting);
  EXPECT_EQ(partition->high_watermark(), Offset(0));
  auto fetched = fetch({.offset = Offset(0), .max_bytes = 1000, .min_one_message = true});
  ASSERT_TRUE(fetched);
  EXPECT_EQ(fetched->records.length_bytes, 0U);
  EXPECT_EQ(find_offset(log::OffsetSpec::latest)->offset, Offset(0));
  EXPECT_EQ(find_offset(TimestampMs(0))->offset, Offset::none());
  EXPECT_EQ(find_offset(log::OffsetSpec::max_timestamp)->offset, Offset::none());
  // The next term has the leader alone in its ISR.
  ASSERT_TRUE(partition->lead(LeaderEpoch(1), {self}));
  ASSERT_TRUE(*waiting);
  EXPECT_TRUE(**waiting);
  EXPECT_EQ(find_offset(log::OffsetSpec::latest)->offset, Offset(2));
}

TEST_F(Partitions, FailWhatWaitsForFollowersWhenTheTermEnds) {
  ASSERT_TRUE(partition->lead(LeaderEpoch(0), {self, other}));
  auto waiting = begin_append({.values = {"b"}}, true);
  partition->resign();
  ASSERT_TRUE(*waiting);
  ASSERT_FALSE(**waiting);
  EXPECT_EQ((*waiting)->error().refusal, PartitionRefusal::not_leader);
}

TEST_F(Partitions, FailAllReplicasWhoseSyncOutlastedTheTerm) {
  PartitionConfig config;
  config.log.flush_messages = 1;
  start(config);
  ASSERT_TRUE(partition->lead(LeaderEpoch(0), {self}));
  auto all = begin_append({.values = {"a"}}, true);
  auto one = begin_append({.values = {"b"}}, false);
  EXPECT_FALSE(*all);
  partition->resign();
  world->shard.run();
  ASSERT_TRUE(*all && *one);
  ASSERT_FALSE(**all);
  EXPECT_EQ((*all)->error().refusal, PartitionRefusal::not_leader);
  EXPECT_TRUE(**one) << "it asked for no more than this log";
}

TEST_F(Partitions, ShowNothingThatIsNotSyncedWhereSyncsAreAwaited) {
  PartitionConfig config;
  config.log.flush_messages = 1;
  for (const std::size_t journal_files : {0U, 2U}) {
    SCOPED_TRACE(journal_files);
    start(config, journal_files);
    files.faults->synced.clear();
    ASSERT_TRUE(partition->lead(LeaderEpoch(0), {self}));
    auto first = make_batch({.values = {"a"}});
    auto second = make_batch({.values = {"b"}});
    struct AtFirst {
      Offset high_watermark;
      Offset synced;
      Offset recovery_point;
      std::ptrdiff_t journal_syncs;
    };
    std::optional<AtFirst> at_first;
    partition->append({first, TimestampMs(1'700'000'000'000), false}, [&](const PartitionAppendOutcome&) {
      at_first.emplace(partition->high_watermark(), world->log()->synced_offset(), world->log()->recovery_point(),
                       std::ranges::count_if(files.faults->synced, log::test::is_in_journal));
    });
    partition->append({second, TimestampMs(1'700'000'000'000), false}, [](const PartitionAppendOutcome&) {});
    EXPECT_EQ(partition->high_watermark(), Offset(0));
    world->shard.run();
    ASSERT_TRUE(at_first);
    EXPECT_LE(at_first->high_watermark, at_first->synced);
    if (journal_files == 0) {
      EXPECT_LE(at_first->high_watermark, at_first->recovery_point);
    } else {
      EXPECT_GE(at_first->journal_syncs, 2) << "its header's, and that of the records";
      EXPECT_EQ(at_first->recovery_point, Offset(0)) << "the segment waits";
    }
    EXPECT_EQ(partition->high_watermark(), Offset(2));
  }
}

TEST_F(Partitions, BeginATermAtWhatIsSyncedWhereSyncsAreAwaitedAndCountTheRestWhenItIs) {
  start();
  ASSERT_TRUE(partition->lead(LeaderEpoch(1), {self, other}));
  ASSERT_TRUE(append({.values = {"a", "b"}}));
  EXPECT_EQ(partition->high_watermark(), Offset(0));
  PartitionConfig synced;
  synced.log.flush_messages = 1;
  partition->set_config(synced);
  ASSERT_TRUE(partition->lead(LeaderEpoch(2), {self}));
  EXPECT_EQ(partition->high_watermark(), Offset(0)) << "a loss of power would take the records away";
  int wakes = 0;
  auto waiting = wait(1, wakes);
  partition->wait_for_records(waiting, Offset(0));
  world->shard.run();
  EXPECT_EQ(partition->high_watermark(), Offset(2));
  EXPECT_EQ(wakes, 1);
}

TEST_F(Partitions, LeaveTheHighWatermarkWhereItWasWhenSyncsAreAwaitedFromNowOn) {
  ASSERT_TRUE(partition->lead(LeaderEpoch(1), {self}));
  ASSERT_TRUE(append({.values = {"a", "b"}}));
  PartitionConfig synced;
  synced.log.flush_messages = 1;
  partition->set_config(synced);
  ASSERT_TRUE(partition->lead(LeaderEpoch(2), {self}));
  EXPECT_EQ(partition->high_watermark(), Offset(2)) << "consumers have seen it";
  auto outcome = begin_append({.values = {"c"}});
  EXPECT_FALSE(*outcome);
  EXPECT_EQ(partition->high_watermark(), Offset(2));
  world->shard.run();
  ASSERT_TRUE(*outcome && **outcome);
  EXPECT_EQ(partition->high_watermark(), Offset(3));
}

TEST_F(Partitions, AnswerARetryThatWaitsForFollowersWhenTheFirstTryIsAnswered) {
  ASSERT_TRUE(partition->lead(LeaderEpoch(0), {self, other}));
  const BatchSpec spec{
      .values = {"a"}, .producer_id = ProducerId(1), .producer_epoch = ProducerEpoch(0), .base_sequence = Sequence(0)};
  auto first = begin_append(spec, true);
  auto again = begin_append(spec, true);
  EXPECT_FALSE(*first || *again);
  ASSERT_TRUE(partition->lead(LeaderEpoch(1), {self}));
  ASSERT_TRUE(*first && *again);
  ASSERT_TRUE(**first && **again);
  EXPECT_FALSE((*first)->value().duplicate);
  EXPECT_TRUE((*again)->value().duplicate);
  EXPECT_EQ((*again)->value().base_offset, Offset(0));
}

TEST_F(Partitions, DoNotMoveTheHighWatermarkBackFromTermToTerm) {
  ASSERT_TRUE(partition->lead(LeaderEpoch(0), {self}));
  append({.values = {"a", "b", "c"}});
  partition->resign();
  EXPECT_EQ(partition->high_watermark(), Offset(3));
  ASSERT_TRUE(partition->lead(LeaderEpoch(1), {self, other}));
  EXPECT_EQ(partition->high_watermark(), Offset(3));
}

TEST_F(Partitions, TakeUpTheHighWatermarkOfTheCheckpoint) {
  ASSERT_TRUE(partition->lead(LeaderEpoch(0), {self}));
  append({.values = {"a", "b", "c"}});
  partition.reset();
  ASSERT_TRUE(world->manager->write_checkpoints());
  world->kill();
  ASSERT_TRUE(world->start());
  partition = std::make_shared<Partition>(self, world->log(), PartitionConfig{});
  EXPECT_EQ(partition->high_watermark(), Offset(3));
  ASSERT_TRUE(partition->lead(LeaderEpoch(1), {self, other}));
  EXPECT_EQ(partition->high_watermark(), Offset(3));
}

TEST_F(Partitions, ShowReadCommittedNothingOfAnOpenTransaction) {
  ASSERT_TRUE(partition->lead(LeaderEpoch(0), {self}));
  append({.values = {"plain"}});
  append({.values = {"t"},
          .producer_id = ProducerId(1),
          .producer_epoch = ProducerEpoch(0),
          .base_sequence = Sequence(0),
          .transactional = true});
  EXPECT_EQ(partition->high_watermark(), Offset(2));
  EXPECT_EQ(partition->last_stable_offset(), Offset(1));
  auto committed = fetch({.offset = Offset(0), .max_bytes = 1000, .read_committed = true});
  ASSERT_TRUE(committed);
  EXPECT_EQ(committed->records.length_bytes, committed->first_batch_bytes) << "one batch";
  EXPECT_EQ(committed->last_stable_offset, Offset(1));
  EXPECT_EQ(find_offset(log::OffsetSpec::latest, LeaderEpoch::none(), true)->offset, Offset(1));
  EXPECT_EQ(find_offset(log::OffsetSpec::latest)->offset, Offset(2));
}

TEST_F(Partitions, HideATransactionUntilTheHighWatermarkHasPassedItsMarkerAndTellThatItWasAborted) {
  ASSERT_TRUE(partition->lead(LeaderEpoch(0), {self, other}));
  append({.values = {"t"},
          .producer_id = ProducerId(1),
          .producer_epoch = ProducerEpoch(0),
          .base_sequence = Sequence(0),
          .transactional = true});
  ASSERT_TRUE(world->append(log::test::marker_batch(ProducerId(1), ProducerEpoch(0), false, 3),
                            log::AppendOrigin::coordinator));
  EXPECT_EQ(partition->last_stable_offset(), Offset(0));
  ASSERT_TRUE(partition->lead(LeaderEpoch(1), {self}));
  EXPECT_EQ(partition->high_watermark(), Offset(2));
  EXPECT_EQ(partition->last_stable_offset(), Offset(2));
  auto committed = fetch({.offset = Offset(0), .max_bytes = 1000, .read_committed = true});
  ASSERT_TRUE(committed);
  ASSERT_EQ(committed->aborted.size(), 1U);
  EXPECT_EQ(committed->aborted.front().producer, ProducerId(1));
  EXPECT_EQ(committed->aborted.front().first_offset, Offset(0));
  EXPECT_TRUE(fetch({.offset = Offset(0), .max_bytes = 1000})->aborted.empty());
}

TEST_F(Partitions, SayWhereALeaderEpochEnds) {
  EXPECT_EQ(partition->end_offset_for_epoch(LeaderEpoch::none(), LeaderEpoch(0)).error(), PartitionRefusal::not_leader);
  ASSERT_TRUE(partition->lead(LeaderEpoch(2), {self}));
  append({.values = {"a", "b"}});
  ASSERT_TRUE(partition->lead(LeaderEpoch(5), {self}));
  append({.values = {"c"}});
  auto end = [&](std::int32_t epoch) {
    return *partition->end_offset_for_epoch(LeaderEpoch::none(), LeaderEpoch(epoch));
  };
  EXPECT_EQ(end(1), (log::EpochEndOffset{LeaderEpoch(1), Offset(0)}));
  EXPECT_EQ(end(2), (log::EpochEndOffset{LeaderEpoch(2), Offset(2)}));
  EXPECT_EQ(end(4), (log::EpochEndOffset{LeaderEpoch(2), Offset(2)}));
  EXPECT_EQ(end(5), (log::EpochEndOffset{LeaderEpoch(5), Offset(3)}));
  EXPECT_EQ(end(6), log::EpochEndOffset{});
  EXPECT_EQ(partition->end_offset_for_epoch(LeaderEpoch(4), LeaderEpoch(2)).error(),
            PartitionRefusal::fenced_leader_epoch);
  EXPECT_EQ(partition->end_offset_for_epoch(LeaderEpoch(6), LeaderEpoch(2)).error(),
            PartitionRefusal::unknown_leader_epoch);
}

// ---- fetches that wait

TEST_F(Partitions, WakeAFetchWhenEnoughHasCome) {
  ASSERT_TRUE(partition->lead(LeaderEpoch(0), {self}));
  const auto size = static_cast<std::int64_t>(make_batch({.values = {"v"}}).size());
  int wakes = 0;
  auto waiting = wait(2 * size, wakes);
  partition->wait_for_records(waiting, Offset(0));
  append({.values = {"v"}});
  EXPECT_EQ(wakes, 0);
  append({.values = {"v"}});
  EXPECT_EQ(wakes, 1);
  append({.values = {"v"}});
  EXPECT_EQ(wakes, 1);
  EXPECT_EQ(waiting.use_count(), 1) << "and it is forgotten";
}

TEST_F(Partitions, WakeAFetchAtOnceThatHasMissedRecordsOrTheLeader) {
  int wakes = 0;
  auto without_leader = wait(1000, wakes);
  partition->wait_for_records(without_leader, Offset(0));
  world->shard.run();
  EXPECT_EQ(wakes, 1) << "not the leader";
  EXPECT_FALSE(without_leader->must_look_again()) << "there is news: it waits no more";
  ASSERT_TRUE(partition->lead(LeaderEpoch(0), {self}));
  append({.values = {"v"}});
  auto late = wait(1000, wakes);
  partition->wait_for_records(late, Offset(0));
  world->shard.run();
  EXPECT_EQ(wakes, 2) << "something came between its read and its wait";
  EXPECT_TRUE(late->must_look_again()) << "it may be too little";
  partition->wait_for_records(wait(1000, wakes), Offset(1));
  world->shard.run();
  EXPECT_EQ(wakes, 2);
}

TEST_F(Partitions, WakeNoFetchForRecordsThatItMayNotSee) {
  ASSERT_TRUE(partition->lead(LeaderEpoch(0), {self, other}));
  int wakes = 0;
  partition->wait_for_records(wait(1, wakes), Offset(0));
  append({.values = {"v"}});
  EXPECT_EQ(wakes, 0);
  ASSERT_TRUE(partition->lead(LeaderEpoch(1), {self}));
  world->shard.run();
  EXPECT_EQ(wakes, 1) << "they are committed now, and there is a new epoch to learn of";
}

TEST_F(Partitions, WakeAFetchOfCommittedRecordsWhenTheLastStableOffsetHasMoved) {
  ASSERT_TRUE(partition->lead(LeaderEpoch(0), {self}));
  append({.values = {"t"},
          .producer_id = ProducerId(1),
          .producer_epoch = ProducerEpoch(0),
          .base_sequence = Sequence(0),
          .transactional = true});
  int wakes = 0;
  auto committed = wait(1, wakes);
  partition->wait_for_records(committed, Offset(0), true);
  append({.values = {"plain"}});
  EXPECT_EQ(wakes, 0) << "behind an open transaction";
  ASSERT_TRUE(
      world->append(log::test::marker_batch(ProducerId(1), ProducerEpoch(0), true, 3), log::AppendOrigin::coordinator));
  append({.values = {"plain"}});
  EXPECT_EQ(wakes, 1);
  EXPECT_TRUE(committed->must_look_again()) << "it may be too little";
}

TEST_F(Partitions, WakeEveryFetchWhenTheTermEnds) {
  ASSERT_TRUE(partition->lead(LeaderEpoch(0), {self}));
  int wakes = 0;
  auto first = wait(1000, wakes);
  partition->wait_for_records(first, Offset(0));
  partition->wait_for_records(wait(1000, wakes), Offset(0));
  partition->resign();
  world->shard.run();
  EXPECT_EQ(wakes, 2);
  EXPECT_EQ(first.use_count(), 1);
}

TEST_F(Partitions, ForgetAFetchThatGaveUp) {
  ASSERT_TRUE(partition->lead(LeaderEpoch(0), {self}));
  int wakes = 0;
  auto gone = wait(1, wakes);
  auto stays = wait(1, wakes);
  partition->wait_for_records(gone, Offset(0));
  partition->wait_for_records(stays, Offset(0));
  partition->forget(gone.get());
  EXPECT_EQ(gone.use_count(), 1);
  append({.values = {"v"}});
  EXPECT_EQ(wakes, 1);
}

// ---- batches whose check takes long

struct LongChecks : Partitions {
  static constexpr CallSource ours = 1;
  static constexpr CallSource others = 2;

  void SetUp() override {
    start();
    ASSERT_TRUE(partition->lead(LeaderEpoch(0), {self}));
  }
  std::shared_ptr<Outcome> begin(const BatchSpec& spec, CallSource source) {
    auto bytes = std::make_shared<log::test::Bytes>(make_batch(spec));
    auto outcome = std::make_shared<Outcome>();
    partition->append({*bytes, world->shard.clock().wall_clock(), true, source},
                      [bytes, outcome](PartitionAppendOutcome got) { *outcome = std::move(got); });
    return outcome;
  }
  // Expands to what no shard looks through itself.
  std::shared_ptr<Outcome> begin_long(CallSource source) {
    return begin({.values = {std::string(std::size_t{3} << 20, 'x')}, .codec = protocol::Codec::zstd}, source);
  }
};

TEST_F(LongChecks, HoldUpNobodyButTheConnectionThatSentThem) {
  auto heavy = begin_long(ours);
  std::vector<std::string> answered;
  auto ask = [&](CallSource source, const std::string& who) {
    partition->fetch({.offset = Offset(0), .max_bytes = 1000, .source = source},
                     [&answered, who](const PartitionFetchOutcome& got) {
                       answered.push_back(who + " fetch " + std::to_string(got->high_watermark.value()));
                     });
    partition->find_offset({.timestamp = log::OffsetSpec::latest, .source = source},
                           [&answered, who](const PartitionOffsetOutcome& got) {
                             answered.push_back(who + " offset " + std::to_string(got->offset.value()));
                           });
  };
  auto small = begin({.values = {"ours"}}, ours);
  ask(ours, "our");
  auto another = begin({.values = {"theirs"}}, others);
  ask(others, "their");
  EXPECT_FALSE(*heavy);
  EXPECT_FALSE(*small) << "it would overtake what the connection sent before";
  ASSERT_TRUE(*another) << "another's append waits for a check";
  EXPECT_EQ((*another)->value().base_offset, Offset(0));
  EXPECT_EQ(answered, (std::vector<std::string>{"their fetch 1", "their offset 1"}));
  world->shard.run();
  ASSERT_TRUE(*heavy && *small);
  EXPECT_EQ((*heavy)->value().base_offset, Offset(1));
  EXPECT_EQ((*small)->value().base_offset, Offset(2));
  EXPECT_EQ(answered, (std::vector<std::string>{"their fetch 1", "their offset 1", "our fetch 3", "our offset 3"}));
}

TEST_F(LongChecks, AreWaitedForByWhatElseTheConnectionAsks) {
  auto first = begin({.values = {"first"}}, ours);
  ASSERT_TRUE(*first);
  auto heavy = begin_long(ours);
  std::optional<PartitionDeletionOutcome> own;
  std::optional<PartitionDeletionOutcome> anothers;
  partition->behind(ours, [&] { own = partition->delete_records(Offset::none()); });
  partition->behind(others, [&] { anothers = partition->delete_records(Offset::none()); });
  EXPECT_FALSE(own) << "it would leave what the connection sent before";
  ASSERT_TRUE(anothers);
  EXPECT_EQ(*anothers, Offset(1));
  world->shard.run();
  ASSERT_TRUE(*heavy && own);
  EXPECT_EQ(*own, Offset(2));
}

TEST_F(LongChecks, EndWithTheTermInWhichTheyBegan) {
  auto heavy = begin_long(ours);
  auto behind = begin({.values = {"behind"}}, ours);
  partition->resign();
  world->shard.run();
  ASSERT_TRUE(*heavy && *behind);
  EXPECT_EQ((*heavy)->error().error.kind, log::AppendErrorKind::closed);
  EXPECT_EQ((*behind)->error().refusal, PartitionRefusal::not_leader);
  ASSERT_TRUE(partition->lead(LeaderEpoch(1), {self}));
  auto of_new_term = begin_long(ours);
  world->shard.run();
  ASSERT_TRUE(*of_new_term && **of_new_term);
  EXPECT_EQ((*of_new_term)->value().base_offset, Offset(0)) << "the old term's batch is in the log";
}

}  // namespace
}  // namespace millrace::replication
