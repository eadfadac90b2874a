// The power goes before every change of the disk in random lives of several logs with flush.messages=1 on one
// directory: what was answered is there, nothing twice, nothing that was not written, no truncation undone, and all that a log says is what
// a log says that is built anew from the records that survive.
//
// MILLRACE_CRASH_POINTS: how many points are tried at least; 1,500 by default.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "broker/base/logging.h"
#include "test/broker/log/log_answers.h"
#include "test/broker/log/synced_world.h"

namespace millrace::log::test {
namespace {

constexpr std::array<const char*, 3> topics{"events", "orders", "payments"};

class CrashedSyncedLife {
 public:
  CrashedSyncedLife(std::uint64_t seed, std::uint64_t change)
      : chance_(seed), losses_(seed * 1'000'000 + change), files_(losses_), world_(config(), files_), change_(change) {
    world_.options.producer_id_expiration_ms = LogConfig::unlimited;
    world_.options.journal.files = 2 + chance_.below(2);
    world_.options.journal.file_bytes = 16 * 1024;
  }

  // Whether the power went before the life was over.
  bool run() {
    EXPECT_TRUE(world_.start());
    for (const auto* topic : topics) EXPECT_NE(world_.log(topic), nullptr);
    files_.crash_after = change_;
    for (int step = 0; step < 30 && !files_.crashed(); ++step) take_step();
    if (!files_.crashed()) world_.shard.run();
    const bool crashed = files_.crashed();
    lose_power();
    // And once more, so that what a start has given back is lost again if it was not synced.
    if (!testing::Test::HasFailure()) check();
    if (testing::Test::HasFailure()) return crashed;
    lose_power();
    if (!testing::Test::HasFailure()) check();
    return crashed;
  }

 private:
  struct Known {
    std::vector<std::string> written;  // by offset
    std::size_t answered = 0;          // so many of them survive whatever comes
  };

  LogConfig config() {
    auto config = synced_config();
    config.segment_bytes = static_cast<std::int32_t>(2'000 + chance_.below(9'000));
    config.index_interval_bytes = static_cast<std::int32_t>(1 + chance_.below(300));
    config.segment_index_bytes = static_cast<std::int32_t>(120 + chance_.below(400));
    return config;
  }

  void lose_power() {
    files_.crash();
    world_.kill();
    files_.restart();
    // A start may be cut short, too.
    if (losses_.below(3) == 0) {
      files_.crash_after = losses_.below(60);
      (void)world_.start();
      files_.crash();
      world_.kill();
      files_.restart();
    }
    const auto started = world_.start();
    ASSERT_TRUE(started) << started.error().message;
    ASSERT_TRUE(world_.manager->unusable().empty()) << world_.manager->unusable().front().second;
  }

  void take_step() {
    const std::string topic = topics[chance_.below(topics.size())];
    switch (chance_.below(20)) {
      case 0:
        return truncate(topic);
      case 1:
        (void)world_.manager->write_checkpoints();
        return;
      case 2:
        return stop_and_start();
      case 3: {
        auto other = world_.config;
        if (chance_.below(2) == 0) other.flush_messages = LogConfig::unlimited;
        return world_.log(topic)->set_config(other);
      }
      case 4:
      case 5:
      case 6:
      case 7:
        world_.shard.run();
        return;
      default:
        return append(topic);
    }
  }

  void append(const std::string& topic) {
    auto log = world_.log(topic);
    auto& known = known_[topic];
    BatchSpec spec;
    const auto count = 1 + chance_.below(3);
    const auto size = chance_.below(8) == 0 ? chance_.below(1'500) : chance_.below(40);
    for (std::uint64_t record = 0; record < count; ++record)
      spec.values.push_back(std::to_string(++values_) + std::string(size, '.'));
    const bool counts = log->config().flush_messages == 1;
    auto bytes = std::make_shared<Bytes>(make_batch(spec));
    log->append({*bytes, AppendOrigin::client, world_.leader_epoch, world_.shard.clock().wall_clock()},
                [this, bytes, topic, counts](const AppendOutcome& outcome) {
                  EXPECT_TRUE(outcome || files_.crashed()) << outcome.error().message;
                  if (outcome && counts && !files_.crashed()) {
                    auto& answered = known_[topic].answered;
                    answered = std::max(answered, static_cast<std::size_t>(outcome->last_offset.value() + 1));
                  }
                });
    const auto written = static_cast<std::size_t>(log->log_end_offset().value());
    for (std::size_t at = known.written.size(); at < written; ++at)
      known.written.push_back(spec.values[at + count - written]);
    if (chance_.below(3) == 0) world_.shard.run();
  }

  void truncate(const std::string& topic) {
    world_.shard.run();
    if (files_.crashed()) return;
    auto& known = known_[topic];
    const auto end = known.written.size();
    const auto target = end - std::min<std::uint64_t>(end, chance_.below(12));
    known.answered = std::min<std::size_t>(known.answered, target < 2 ? 0 : target - 2);
    world_.log(topic)->truncate_to(Offset(static_cast<std::int64_t>(target)), [](const Status&) {});
    world_.shard.run();
    if (files_.crashed()) return;
    known.written.resize(static_cast<std::size_t>(world_.log(topic)->log_end_offset().value()));
    known.answered = std::min(known.answered, known.written.size());
    // The truncation has been answered: from here on nothing may bring back what went.
  }

  void stop_and_start() {
    world_.shard.run();
    if (files_.crashed()) return;
    if (world_.stop()) {
      for (auto& [topic, known] : known_) known.answered = known.written.size();
    }
    if (files_.crashed()) return;
    const auto started = world_.start();
    EXPECT_TRUE(started || files_.crashed()) << started.error().message;
  }

  void check() {
    for (const std::string topic : topics) {
      SCOPED_TRACE(topic);
      auto& known = known_[topic];
      const auto records = world_.read_all(Offset(0), 1 << 20, topic);
      ASSERT_GE(records.size(), known.answered) << "what was answered is there";
      ASSERT_LE(records.size(), known.written.size()) << "and nothing that went, or was never written";
      for (std::size_t at = 0; at < records.size(); ++at) {
        ASSERT_EQ(records[at].offset, Offset(static_cast<std::int64_t>(at))) << "no gap, nothing twice";
        ASSERT_EQ(records[at].value, known.written[at]);
      }
      known.written.resize(records.size());
      known.answered = records.size();  // what a disk has after a loss of power, it keeps
    }
    ASSERT_EQ(answers_of(world_), answers_of_rebuilt(world_, files_));
  }

  SeededRandom chance_;
  SeededRandom losses_;
  CrashFileSystem files_;
  SyncedWorld world_;
  const std::uint64_t change_;
  std::map<std::string, Known> known_;
  std::uint64_t values_ = 0;
};

TEST(JournalCrashes, LoseNothingThatWasAnsweredInSyncedMode) {
  set_log_level(LogLevel::off);
  const char* wanted = std::getenv("MILLRACE_CRASH_POINTS");
  const auto least = wanted == nullptr ? 1'500 : std::strtoull(wanted, nullptr, 10);
  const char* only = std::getenv("MILLRACE_SEED");
  std::uint64_t points = 0;
  std::uint64_t seed = only == nullptr ? 0 : std::strtoull(only, nullptr, 10) - 1;
  while (points < least && !HasFailure()) {
    ++seed;
    bool crashed = true;
    for (std::uint64_t change = 0; crashed && !HasFailure(); ++change, ++points) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", before change " + std::to_string(change));
      crashed = CrashedSyncedLife(seed, change).run();
    }
    if (only != nullptr) break;
  }
  set_log_level(LogLevel::info);
  std::cout << points << " crash points in " << seed << " lives\n";
}

}  // namespace
}  // namespace millrace::log::test
