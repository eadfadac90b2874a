// Random lives of a log on a disk that loses, tears and refuses, checked after every start against what was
// acknowledged. A failure names its seed; MILLRACE_SEED runs that one alone.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "broker/base/logging.h"
#include "broker/log/loaded_log.h"
#include "test/broker/log/crash_file_system.h"
#include "test/broker/log/log_world.h"
#include "test/broker/log/seeds.h"

namespace millrace::log::test {
namespace {

constexpr TimestampMs noon{1'700'000'000'000};

struct SimulatedBatch {
  std::vector<std::string> values;
  ProducerId producer = ProducerId::none();
  Sequence sequence = Sequence::none();
  LeaderEpoch epoch;
  TimestampMs timestamp;

  friend bool operator==(const SimulatedBatch&, const SimulatedBatch&) = default;
};

void PrintTo(const SimulatedBatch& batch, std::ostream* out) {
  *out << batch.values.front() << "x" << batch.values.size() << " of producer " << batch.producer.value()
       << " sequence " << batch.sequence.value() << " epoch " << batch.epoch.value();
}

using Content = std::map<std::int64_t, SimulatedBatch>;  // by base offset

std::int64_t end_of(const Content& content) {
  return content.empty() ? 0
                         : content.rbegin()->first + static_cast<std::int64_t>(content.rbegin()->second.values.size());
}

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : random_(seed), files_(random_), world_(config(), files_) {}

  void run() {
    ASSERT_TRUE(world_.start());
    ASSERT_NE(world_.log(), nullptr);
    for (int step = 0; step < 120 && !testing::Test::HasFailure(); ++step) {
      take_step();
      if (files_.crashed()) lose_power();
    }
    if (!testing::Test::HasFailure()) lose_power();
  }

  std::uint64_t records_seen = 0;
  std::uint64_t records_lost = 0;
  int starts = 0;

 private:
  LogConfig config() {
    LogConfig config;
    config.segment_bytes = static_cast<std::int32_t>(300 + random_.below(1500));
    config.index_interval_bytes = static_cast<std::int32_t>(1 + random_.below(300));
    config.segment_index_bytes = static_cast<std::int32_t>(48 + random_.below(400));
    if (random_.below(3) == 0)
      config.flush_messages = random_.below(2) == 0 ? 1 : 2 + static_cast<std::int64_t>(random_.below(4));
    if (random_.below(2) == 0) config.segment_ms = 200;
    return config;
  }

  void take_step() {
    switch (random_.below(32)) {
      case 0:
        return lose_power();
      case 1:
        return kill();
      case 2:
        return stop();
      case 3:
        files_.crash_after = random_.below(40);
        return;
      case 4:
        files_.free_bytes = random_.below(300);
        return;
      case 5:
        files_.fail_writes = random_.below(2) == 0;
        return;
      case 6:
        files_.fail_syncs = random_.below(4) == 0;
        return;
      case 7:
        files_.free_bytes = 1 << 30;
        files_.fail_writes = files_.fail_syncs = false;
        return;
      case 8: {
        const auto written = world_.manager->write_checkpoints();
        if (!written) faulty_ = true;
        return;
      }
      case 9:
        world_.leader_epoch = world_.leader_epoch + 1;
        // Refused by a log that takes no appends until it is recovered.
        if (auto led = world_.log()->start_leader_epoch(world_.leader_epoch); !led)
          EXPECT_TRUE(faults()) << led.error().message;
        return;
      case 10:
      case 11:
      case 12:
        world_.shard.run();
        return;
      case 13:
      case 14:
        return flush();
      case 15:
        return retry();
      default:
        return append();
    }
  }

  bool faults() const {
    return faulty_ || files_.crashed() || files_.lost_pages() || files_.fail_writes || files_.fail_syncs ||
           files_.free_bytes < (1 << 20);
  }

  void append() {
    SimulatedBatch batch;
    const auto count = 1 + random_.below(3);
    for (std::uint64_t record = 0; record < count; ++record) batch.values.push_back("v" + std::to_string(++values_));
    batch.timestamp = noon + static_cast<std::int64_t>(values_) * 10;
    batch.epoch = world_.leader_epoch;
    if (random_.below(2) == 0) {
      batch.producer = ProducerId(static_cast<std::int64_t>(1 + random_.below(3)));
      const auto* last = last_of(batch.producer);
      batch.sequence =
          last == nullptr ? Sequence(0) : last->second.sequence + static_cast<std::int32_t>(last->second.values.size());
    }
    send(batch, end_of(content_), false);
  }

  void retry() {
    const auto* last = last_of(ProducerId(static_cast<std::int64_t>(1 + random_.below(3))));
    if (last != nullptr) send(last->second, last->first, true);
  }

  static Bytes encode(const SimulatedBatch& batch) {
    return make_batch(
        {.values = batch.values,
         .timestamp = batch.timestamp,
         .producer_id = batch.producer,
         .producer_epoch = batch.producer == ProducerId::none() ? ProducerEpoch::none() : ProducerEpoch(0),
         .base_sequence = batch.sequence});
  }

  // The completion may come later, with flush.messages: the log's content is what it is at once.
  void send(const SimulatedBatch& batch, std::int64_t offset, bool duplicate) {
    auto log = world_.log();
    const auto bytes = std::make_shared<Bytes>(encode(batch));
    const auto before = log->log_end_offset();
    log->append({*bytes, AppendOrigin::client, world_.leader_epoch, world_.shard.clock().wall_clock()},
                [this, bytes, offset, duplicate, faults_before = faults(),
                 is_synced = log->config().flush_messages == 1](const AppendOutcome& outcome) {
                  if (!outcome) {
                    EXPECT_EQ(outcome.error().kind, AppendErrorKind::storage) << outcome.error().message;
                    EXPECT_TRUE(faults_before || faults()) << outcome.error().message;
                    faulty_ = true;
                    return;
                  }
                  if (is_synced) flushed_ = std::max(flushed_, outcome->last_offset.value() + 1);
                  EXPECT_EQ(outcome->base_offset, Offset(offset));
                  EXPECT_EQ(outcome->duplicate, duplicate);
                });
    if (log->log_end_offset() != before) {
      EXPECT_FALSE(duplicate);
      content_[offset] = batch;
    } else if (!duplicate) {
      failed_[offset].push_back(batch);
    }
  }

  void flush() {
    const auto target = end_of(content_);
    world_.log()->flush([this, target](const Status& status) {
      if (status) flushed_ = std::max(flushed_, target);
      if (!status) faulty_ = true;
    });
  }

  const std::pair<const std::int64_t, SimulatedBatch>* last_of(ProducerId id) const {
    for (auto at = content_.rbegin(); at != content_.rend(); ++at) {
      if (at->second.producer == id) return &*at;
    }
    return nullptr;
  }

  // Everything of the machine stops at once.
  void lose_power() {
    files_.crash();
    world_.kill();
    files_.restart();
    power_lost_ = true;
    start();
  }

  // Only the process stops: what it has written stays in the page cache. After a failed sync that would hide what is
  // lost from
  // recovery, as from any program: such a machine has to be started anew.
  void kill() {
    world_.kill();
    if (files_.lost_pages()) return lose_power();
    start();
  }

  void stop() {
    const bool closed = world_.stop().has_value();
    if (files_.crashed() || files_.lost_pages()) return lose_power();
    if (closed) flushed_ = end_of(content_);
    EXPECT_TRUE(closed || faults());
    start();
  }

  void start() {
    for (int attempt = 0;; ++attempt) {
      files_.crash_after.reset();
      files_.fail_writes = files_.fail_syncs = false;
      files_.free_bytes = 1 << 30;
      if (attempt < 3 && random_.below(3) == 0) files_.crash_after = random_.below(25);
      const auto started = world_.start();
      if (!files_.crashed()) {
        ASSERT_TRUE(started) << started.error().message;
        break;
      }
      world_.kill();
      files_.restart();
      power_lost_ = true;
    }
    files_.crash_after.reset();
    faulty_ = false;
    world_.manager->on_directory_offline([this](const auto&, const auto&) { faulty_ = true; });
    ++starts;
    ASSERT_TRUE(world_.manager->unusable().empty()) << world_.manager->unusable().front().second;
    check_content();
    if (!testing::Test::HasFailure()) check_producers();
  }

  Content read_content() {
    Content found;
    auto log = world_.log();
    for (Offset offset(0); offset < log->log_end_offset();) {
      auto data = world_.read(offset, 1000);
      EXPECT_TRUE(data) << data.error().message;
      if (!data || data->records.length_bytes == 0) break;
      const auto bytes = world_.bytes_of(*data);
      protocol::BatchReader batches(bytes);
      while (batches.next().value()) {
        const auto& header = batches.batch().header;
        EXPECT_EQ(header.base_offset, offset) << "no gap, nothing twice";
        SimulatedBatch batch{
            {}, header.producer_id, header.base_sequence, header.partition_leader_epoch, header.base_timestamp};
        for (auto& record : records_in(batches.batch().bytes)) batch.values.push_back(std::move(record.value));
        EXPECT_EQ(log->leader_epoch_for(offset), batch.epoch) << "at " << offset.value();
        found[offset.value()] = std::move(batch);
        offset = header.last_offset() + 1;
      }
    }
    EXPECT_EQ(Offset(end_of(found)), log->log_end_offset());
    return found;
  }

  void check_content() {
    auto found = read_content();
    ASSERT_GE(end_of(found), flushed_) << "what was flushed is there";
    for (const auto& [offset, batch] : found) {
      auto known = content_.find(offset);
      if (known != content_.end() && known->second == batch) continue;
      // An append that failed may be there all the same, as the last thing.
      ASSERT_TRUE(std::ranges::find(failed_[offset], batch) != failed_[offset].end())
          << "at " << offset << " is " << testing::PrintToString(batch) << ", which was never written there";
      ASSERT_EQ(offset, found.rbegin()->first) << "behind a failed append nothing follows";
      ASSERT_GE(offset, flushed_);
    }
    if (!power_lost_) ASSERT_GE(end_of(found), end_of(content_)) << "a kill loses nothing";
    records_seen += static_cast<std::uint64_t>(end_of(found));
    records_lost += static_cast<std::uint64_t>(std::max<std::int64_t>(0, end_of(content_) - end_of(found)));
    content_ = std::move(found);
    failed_.clear();
    if (power_lost_) flushed_ = end_of(content_);  // what a disk has after a loss of power, it keeps
    power_lost_ = false;
    for (int number = 0; number < 2 && !content_.empty(); ++number) {
      auto at =
          content_.lower_bound(static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(end_of(content_)))));
      if (at == content_.end()) continue;
      EXPECT_EQ(world_.find_offset(at->second.timestamp)->offset, Offset(at->first));
    }
  }

  void check_producers() {
    for (std::int64_t id = 1; id <= 3; ++id) {
      const auto* last = last_of(ProducerId(id));
      if (last == nullptr) continue;
      send(last->second, last->first, true);
      auto ahead = last->second;
      ahead.sequence = ahead.sequence + static_cast<std::int32_t>(ahead.values.size() + 1);
      auto refused = world_.append(encode(ahead));
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().kind, AppendErrorKind::out_of_order_sequence);
    }
  }

  SeededRandom random_;
  CrashFileSystem files_;
  LogWorld world_;
  Content content_;  // what the log has, as far as anybody was told
  std::map<std::int64_t, std::vector<SimulatedBatch>>
      failed_;                // appends that failed, by the offset they would have had
  std::int64_t flushed_ = 0;  // everything below survives whatever comes
  std::uint64_t values_ = 0;
  bool faulty_ = false;  // a fault was met since the start: errors are no surprise
  bool power_lost_ = false;
};

struct CrashSimulation : testing::Test {
  void SetUp() override { set_log_level(LogLevel::off); }
  void TearDown() override { set_log_level(LogLevel::info); }
};

TEST_F(CrashSimulation, KeepsWhatWasFlushedAndNothingTwiceThroughRandomLives) {
  const auto [first, last] = seeds_up_to(250);
  std::uint64_t seen = 0;
  std::uint64_t lost = 0;
  int starts = 0;
  for (auto seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("MILLRACE_SEED=" + std::to_string(seed));
    Simulation simulation(seed);
    simulation.run();
    if (HasFailure()) FAIL() << "with seed " << seed;
    seen += simulation.records_seen;
    lost += simulation.records_lost;
    starts += simulation.starts;
  }
  if (first == last) return;
  EXPECT_GT(starts, 1000) << "the simulation must do something";
  EXPECT_GT(seen, 10'000U);
  EXPECT_GT(lost, 1000U) << "and the disk must lose something";
}

TEST_F(CrashSimulation, MakesALogAnewThatWasBeingMadeWhenThePowerWent) {
  at_each_change(200, [&](CrashFileSystem& files, std::uint64_t change, bool& crashed) {
    LogWorld world({}, files);
    ASSERT_TRUE(world.start());
    files.crash_after = change;
    world.manager->get_or_create({"events", PartitionIndex(0)}, world.topic_id, {}, [](const auto&) {});
    world.shard.run();
    crashed = files.crashed();
    files.crash();
    world.kill();
    files.restart();
    ASSERT_TRUE(world.start());
    ASSERT_TRUE(world.manager->unusable().empty()) << world.manager->unusable().front().second;
    ASSERT_NE(world.log(), nullptr);
    ASSERT_TRUE(world.append({.values = {"a"}}));
    EXPECT_EQ(world.read_all().size(), 1U);
  });
}

}  // namespace
}  // namespace millrace::log::test
