// The power goes before every write, sync, truncation, creation, rename and removal of random lives of a log, with
// transactions, truncations and stops: what was flushed is there, nothing that was not written, and all that the log says
// is what a log says that is built anew from the records that survive.
//
// MILLRACE_CRASH_POINTS: how many points are tried at least; 2,500 by default. 100,000 take some minutes.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "broker/base/logging.h"
#include "test/broker/log/log_answers.h"

namespace millrace::log::test {
namespace {

constexpr TimestampMs noon{1'700'000'000'000};

// The same steps for the same seed, up to the change at which the power goes.
class CrashedLife {
 public:
  CrashedLife(std::uint64_t seed, std::uint64_t change)
      : chance_(seed), losses_(seed * 1'000'000 + change), files_(losses_), world_(config(), files_), change_(change) {
    world_.options.producer_id_expiration_ms = LogConfig::unlimited;
  }

  // Whether the power went before the life was over.
  bool run() {
    EXPECT_TRUE(world_.start());
    EXPECT_NE(world_.log(), nullptr);
    files_.crash_after = change_;
    for (int step = 0; step < 40 && !files_.crashed(); ++step) take_step();
    const bool crashed = files_.crashed();
    files_.crash();
    world_.kill();
    files_.restart();
    const auto started = world_.start();
    EXPECT_TRUE(started) << started.error().message;
    EXPECT_TRUE(world_.manager->unusable().empty()) << world_.manager->unusable().front().second;
    if (!testing::Test::HasFailure()) check();
    return crashed;
  }

 private:
  LogConfig config() {
    LogConfig config;
    config.segment_bytes = static_cast<std::int32_t>(300 + chance_.below(900));
    config.index_interval_bytes = static_cast<std::int32_t>(1 + chance_.below(300));
    config.segment_index_bytes = static_cast<std::int32_t>(48 + chance_.below(400));
    return config;
  }
  PartitionLog& log() { return *world_.log(); }

  void take_step() {
    const auto chance = chance_.below(16);
    if (chance == 0) return truncate();
    if (chance == 1) return stop_and_start();
    if (chance == 2) return flush();
    if (chance == 3) {
      world_.leader_epoch = world_.leader_epoch + 1;
      EXPECT_TRUE(log().start_leader_epoch(world_.leader_epoch));
    } else if (chance == 4) {
      log().publish_high_watermark(log().log_end_offset());
      (void)world_.manager->write_checkpoints();
    }
    append(static_cast<std::int64_t>(chance_.below(5)));
  }

  // Producers 1 and 2 are idempotent, 3 and 4 transactional, 0 is none.
  void append(std::int64_t id) {
    const auto entries = log().producers();
    const auto known = std::ranges::find(entries, ProducerId(id), &ProducerEntry::id);
    const bool open = known != entries.end() && known->transaction_first_offset;
    auto offset = log().log_end_offset().value();
    if (open && chance_.below(2) == 0) {
      written_.push_back(std::to_string(offset));
      (void)world_.append(marker_batch(ProducerId(id), known->epoch, chance_.below(2) == 0, 1),
                          AppendOrigin::coordinator);
      return;
    }
    BatchSpec spec;
    for (auto count = 1 + chance_.below(3); count > 0; --count) {
      spec.values.push_back("value " + std::to_string(offset) + std::string(chance_.below(40), '.'));
      written_.push_back(std::to_string(offset++) + ":" + spec.values.back());
    }
    spec.timestamp = noon + static_cast<std::int64_t>(chance_.below(100'000));
    if (id > 0) {
      spec.producer_id = ProducerId(id);
      spec.producer_epoch = known == entries.end() ? ProducerEpoch(0) : known->epoch;
      spec.base_sequence = known == entries.end() ? Sequence(0) : known->last_sequence() + 1;
      spec.transactional = id >= 3;
    }
    const auto appended = world_.append(spec);
    EXPECT_TRUE(appended || files_.crashed()) << appended.error().message;
  }

  void flush() {
    const auto end = written_.size();
    log().flush([this, end](const Status& status) {
      if (status) flushed_ = std::max(flushed_, end);
    });
    world_.shard.run();
  }

  void truncate() {
    const auto end = written_.size();
    const auto target = end - std::min<std::uint64_t>(end, chance_.below(12));
    flushed_ = std::min<std::size_t>(flushed_, target < 2 ? 0 : target - 2);  // a batch has three records at most
    log().truncate_to(Offset(static_cast<std::int64_t>(target)), [](const Status&) {});
    world_.shard.run();
    if (!files_.crashed()) written_.resize(static_cast<std::size_t>(log().log_end_offset().value()));
  }

  void stop_and_start() {
    if (world_.stop()) flushed_ = written_.size();
    if (files_.crashed()) return;
    const auto started = world_.start();
    EXPECT_TRUE(started || files_.crashed()) << started.error().message;
  }

  void check() {
    const auto records = world_.read_all();
    ASSERT_GE(records.size(), flushed_) << "what was flushed is there";
    ASSERT_LE(records.size(), written_.size());
    for (std::size_t at = 0; at < records.size(); ++at) {
      const auto offset = std::to_string(records[at].offset.value());
      ASSERT_TRUE(written_[at] == offset + ":" + records[at].value || written_[at] == offset) << "and nothing else";
    }
    ASSERT_EQ(answers_of(world_), answers_of_rebuilt(world_, files_));
  }

  SeededRandom chance_;
  SeededRandom losses_;
  CrashFileSystem files_;
  LogWorld world_;
  const std::uint64_t change_;
  std::vector<std::string> written_;  // by offset; of a marker the offset alone
  std::size_t flushed_ = 0;           // so many of them survive whatever comes
};

TEST(CrashPoints, LeaveALogThatIsWhatARebuildOfItsRecordsIs) {
  set_log_level(LogLevel::off);
  const char* wanted = std::getenv("MILLRACE_CRASH_POINTS");
  const auto least = wanted == nullptr ? 2'500 : std::strtoull(wanted, nullptr, 10);
  std::uint64_t points = 0;
  std::uint64_t seed = 0;
  while (points < least && !HasFailure()) {
    ++seed;
    bool crashed = true;
    for (std::uint64_t change = 0; crashed && !HasFailure(); ++change, ++points) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", before change " + std::to_string(change));
      crashed = CrashedLife(seed, change).run();
    }
  }
  set_log_level(LogLevel::info);
  std::cout << points << " crash points in " << seed << " lives\n";
}

}  // namespace
}  // namespace millrace::log::test
