// Batches whose check takes long: workers check them, and nobody but their own source waits for them.
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "test/broker/log/log_world.h"
#include "test/broker/log/wrapped_shard.h"

namespace millrace::log::test {
namespace {

using protocol::Codec;

constexpr AppendSource heavy_source = 1;
constexpr AppendSource other_source = 2;
constexpr Codec every_codec[] = {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd};

// A few kilobytes that expand to megabytes.
Bytes heavy_batch(Codec codec = Codec::gzip, std::size_t plain_bytes = std::size_t{3} << 20) {
  return make_batch({.values = {std::string(plain_bytes, 'x')}, .codec = codec});
}

struct LongChecks : testing::Test {
  void start(const LogConfig& config = {}, protocol::ConversionBounds::Settings bounds = {}) {
    log.reset();
    world = std::make_unique<LogWorld>(config, files);
    world->options.conversions = std::make_shared<protocol::ConversionBounds>(bounds, &metrics);
    ASSERT_TRUE(world->start());
    log = world->log();
    ASSERT_TRUE(log->start_leader_epoch(LeaderEpoch(0)));
  }
  void SetUp() override { start(); }

  using Outcome = std::optional<AppendOutcome>;
  // Its outcome appears when it completes.
  std::shared_ptr<Outcome> begin(Bytes batch, AppendSource source) {
    auto bytes = std::make_shared<Bytes>(std::move(batch));
    auto outcome = std::make_shared<Outcome>();
    log->append({*bytes, AppendOrigin::client, LeaderEpoch(0), world->shard.clock().wall_clock(), source},
                [bytes, outcome](AppendOutcome got) { *outcome = std::move(got); });
    return outcome;
  }
  std::shared_ptr<Outcome> begin_small(AppendSource source) { return begin(make_batch({.values = {"small"}}), source); }
  AppendErrorKind refusal(const std::shared_ptr<Outcome>& outcome) {
    world->shard.run();
    EXPECT_TRUE(*outcome && !**outcome);
    return (*outcome)->error().kind;
  }

  MetricsRegistry metrics;
  FaultFileSystem files;
  std::unique_ptr<LogWorld> world;
  std::shared_ptr<PartitionLog> log;
};

TEST_F(LongChecks, LeaveTheShardToOthersWhoOvertakeThem) {
  for (auto codec : every_codec) {
    const auto first = log->log_end_offset();
    auto heavy = begin(heavy_batch(codec), heavy_source);
    EXPECT_FALSE(*heavy) << "the shard did it itself: " << to_string(codec);
    auto small = begin_small(other_source);
    ASSERT_TRUE(*small) << "another's append waits for " << to_string(codec);
    EXPECT_EQ((*small)->value().base_offset, first);
    world->shard.run();
    ASSERT_TRUE(*heavy);
    ASSERT_TRUE(**heavy) << (*heavy)->error().message;
    EXPECT_EQ((*heavy)->value().base_offset, first + 1);
    EXPECT_FALSE(log->is_checking(heavy_source));
  }
  EXPECT_EQ(world->read_all(Offset(0), 64 << 20).size(), 8U);
}

TEST_F(LongChecks, KeepTheOrderOfTheirSource) {
  std::vector<int> order;
  auto first = begin(heavy_batch(), heavy_source);
  ASSERT_TRUE(log->is_checking(heavy_source));
  EXPECT_FALSE(log->is_checking(other_source));
  std::shared_ptr<Outcome> second;
  std::shared_ptr<Outcome> third;
  log->after_check(heavy_source, [&] {
    EXPECT_TRUE(*first) << "run before the batch was written";
    order.push_back(1);
    second = begin(heavy_batch(Codec::zstd), heavy_source);
  });
  log->after_check(heavy_source, [&] {
    EXPECT_TRUE(*second) << "a second long check is overtaken";
    order.push_back(2);
    third = begin_small(heavy_source);
  });
  log->after_check(other_source, [&] { order.push_back(0); });
  EXPECT_EQ(order, std::vector<int>{0}) << "only the source waits";
  world->shard.run();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ((*first)->value().base_offset, Offset(0));
  EXPECT_EQ((*second)->value().base_offset, Offset(1));
  EXPECT_EQ((*third)->value().base_offset, Offset(2));
  EXPECT_FALSE(log->is_checking(heavy_source));
}

TEST_F(LongChecks, WriteNothingOnceTheLeadersTermHasEnded) {
  auto of_old_term = begin(heavy_batch(), heavy_source);
  ASSERT_TRUE(log->start_leader_epoch(LeaderEpoch(1)));
  EXPECT_EQ(refusal(of_old_term), AppendErrorKind::closed);
  auto of_no_leader = begin(heavy_batch(), heavy_source);
  log->end_leader_epoch();
  EXPECT_EQ(refusal(of_no_leader), AppendErrorKind::closed);
  auto of_stopped_log = begin(heavy_batch(), heavy_source);
  bool behind = false;
  log->after_check(heavy_source, [&] { behind = true; });
  log->stop();
  EXPECT_EQ(refusal(of_stopped_log), AppendErrorKind::closed);
  EXPECT_TRUE(behind) << "who waits is let go";
  EXPECT_EQ(log->log_end_offset(), Offset(0));
}

TEST_F(LongChecks, AreNotForBatchesOfUsualSizeInTheirUsualForm) {
  std::string text;
  for (int number = 0; text.size() < 60'000; ++number) text += "record " + std::to_string(number * 7919) + "; ";
  for (auto codec : {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    auto usual = begin(make_batch({.values = {text, text}, .codec = codec}), heavy_source);
    ASSERT_TRUE(*usual) << to_string(codec);
    EXPECT_TRUE(**usual);
  }
  auto largest = begin(make_batch({.values = {std::string(1'000'000, 'x')}}), heavy_source);
  EXPECT_TRUE(*largest) << "uncompressed and as large as max.message.bytes is by default";
}

TEST_F(LongChecks, AreMadeOfWhatIsStoredInAnotherCodec) {
  LogConfig config;
  config.compression = Codec::zstd;
  start(config);
  auto small = begin_small(heavy_source);
  EXPECT_TRUE(*small) << "a few records are quickly done";
  auto large = begin(make_batch({.values = {std::string(20'000, 'x')}}), heavy_source);
  EXPECT_FALSE(*large);
  EXPECT_EQ(world->options.conversions->used_bytes(), 0U);
  world->shard.run();
  ASSERT_TRUE(*large && **large);
  EXPECT_EQ(world->read_all().back().value.size(), 20'000U);
  EXPECT_EQ(world->options.conversions->used_bytes(), 0U) << "paid back";
}

TEST_F(LongChecks, RefuseABombOnceAndCountIt) {
  protocol::ConversionBounds::Settings bounds;
  bounds.decompression.output_limit_bytes = 4 << 20;
  LogConfig config;
  config.max_message_bytes = 200'000;
  start(config, bounds);
  std::uint64_t refusals = 0;
  for (auto codec : every_codec) {
    auto bomb = begin(heavy_batch(codec, 6 << 20), heavy_source);
    if (codec == Codec::snappy) continue;  // does not fit into so few bytes
    EXPECT_FALSE(*bomb) << to_string(codec);
    EXPECT_EQ(refusal(bomb), AppendErrorKind::batch_too_large) << to_string(codec);
    EXPECT_EQ(world->options.conversions->refusals(), ++refusals);
  }
  EXPECT_NE(metrics.text().find("\nmillrace_conversion_refused_total 3\n"), std::string::npos);
}

TEST_F(LongChecks, LetTheTopicsLargestBatchExpandSixteenTimes) {
  protocol::ConversionBounds::Settings bounds;
  bounds.decompression.output_limit_bytes = 1 << 20;
  LogConfig config;
  config.max_message_bytes = 300'000;
  start(config, bounds);
  auto within = begin(heavy_batch(Codec::lz4, 4'700'000), heavy_source);
  world->shard.run();
  ASSERT_TRUE(*within);
  EXPECT_TRUE(**within) << (*within)->error().message;
  EXPECT_EQ(refusal(begin(heavy_batch(Codec::lz4, 4'900'000), heavy_source)), AppendErrorKind::batch_too_large);
}

// A shard with workers that are threads.
class WorkedShard final : public WrappedShard {
 public:
  [[nodiscard]] BlockingPool& workers() override { return threads; }

  // A thread for each job, joined at the end.
  struct Threads final : BlockingPool {
    ~Threads() override {
      for (auto& thread : running) thread.join();
    }
    void submit(Job work) override {
      running.emplace_back([job = std::move(work)]() mutable { job(); });
    }
    std::vector<std::thread> running;
  };

  Threads threads;
};

TEST(LongChecksOnThreads, GoOnBesideTheShardAndEachBatchIsWrittenOnce) {
  constexpr int sources = 8;
  constexpr int batches_of_each = 4;
  TemporaryDirectory directory;
  WorkedShard shard;
  SeededRandom random{1};
  LogManagerOptions options;
  options.directories = {directory.path()};
  options.cluster_id = "1gdzRcRMRMyxOSdkj0JfkA";
  options.broker_id = BrokerId(7);
  LogManager manager(options, posix_file_system(), shard.clock(), shard.pool(), random,
                     [&](const TopicPartition&) -> Shard& { return shard; });
  ASSERT_TRUE(manager.open_directories());
  ASSERT_TRUE(manager.load([](const auto&) { return LogConfig{}; }));
  std::shared_ptr<PartitionLog> log;
  manager.get_or_create({"events", PartitionIndex(0)}, TopicId{{1}}, {}, [&](auto made) { log = *made; });
  shard.inner.run();
  ASSERT_NE(log, nullptr);

  std::vector<Bytes> all;
  all.reserve(sources * batches_of_each);
  std::vector<std::vector<Offset>> offsets(sources);
  int completed = 0;
  for (int number = 0; number < batches_of_each; ++number) {
    for (AppendSource source = 1; source <= sources; ++source) {
      const bool is_long = (number + static_cast<int>(source)) % 2 == 0;
      auto& bytes = all.emplace_back(is_long ? heavy_batch(Codec::lz4, 2 << 20) : make_batch({.values = {"small"}}));
      auto append = [&, source] {
        log->append({bytes, AppendOrigin::client, LeaderEpoch(0), TimestampMs(1'700'000'000'000), source},
                    [&, source](const AppendOutcome& outcome) {
                      ASSERT_TRUE(outcome) << outcome.error().message;
                      offsets[source - 1].push_back(outcome->base_offset);
                      ++completed;
                    });
      };
      log->is_checking(source) ? log->after_check(source, append) : append();
    }
  }
  ASSERT_TRUE(shard.inner.run_until([&] { return completed == sources * batches_of_each; }));
  EXPECT_EQ(log->log_end_offset(), Offset(sources * batches_of_each));
  for (const auto& of_source : offsets) EXPECT_TRUE(std::ranges::is_sorted(of_source)) << "a source's order";
  EXPECT_EQ(options.conversions->used_bytes(), 0U);
  log->stop();
  shard.inner.run();
}

}  // namespace
}  // namespace millrace::log::test
