// Truncations in random lives of a log: each leaves what a log built anew from the remaining records would be.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "broker/base/logging.h"
#include "test/broker/log/seeds.h"
#include "test/broker/log/truncation_world.h"

namespace millrace::log::test {
namespace {

class RandomLife {
 public:
  RandomLife(std::uint64_t seed, const SyncMode& mode) : random_(seed), files_(random_), world_(config(mode), files_) {
    world_.options.journal.files = mode.journal_files;
    world_.options.journal.file_bytes = 16 * 1024;
    world_.options.producer_id_expiration_ms = LogConfig::unlimited;
    moves_start_ = random_.below(4) == 0;
  }

  void run() {
    ASSERT_TRUE(world_.start());
    for (int step = 0; step < 60 && !testing::Test::HasFailure(); ++step) take_step();
    check();
  }
  std::uint64_t cut_records = 0;

 private:
  LogConfig config(const SyncMode& mode) {
    LogConfig config;
    config.flush_messages = mode.flush_messages;
    config.segment_bytes = static_cast<std::int32_t>(300 + random_.below(1500));
    config.index_interval_bytes = static_cast<std::int32_t>(1 + random_.below(300));
    config.segment_index_bytes = static_cast<std::int32_t>(48 + random_.below(400));
    return config;
  }
  PartitionLog& log() { return *world_.log(); }

  void take_step() {
    switch (random_.below(20)) {
      case 0:
      case 1:
      case 2:
        return truncate();
      case 3:
        return reopen();
      case 4:
        log().flush([](const Status& status) { EXPECT_TRUE(status); });
        world_.shard.run();
        return;
      case 5:
        world_.leader_epoch = world_.leader_epoch + 1;
        EXPECT_TRUE(log().start_leader_epoch(world_.leader_epoch));
        return append(0);
      case 6:
        high_watermark_ = std::max(
            high_watermark_,
            static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(log().log_end_offset().value()) + 1)));
        return log().publish_high_watermark(Offset(high_watermark_));
      case 7:
        if (moves_start_) (void)log().advance_log_start_offset(Offset(high_watermark_ / 2));
        return;
      default:
        return append(static_cast<std::int64_t>(random_.below(5)));
    }
  }

  const ProducerEntry* known(std::int64_t id) {
    entries_ = log().producers();
    const auto at = std::ranges::find(entries_, ProducerId(id), &ProducerEntry::id);
    return at == entries_.end() ? nullptr : &*at;
  }

  // Producers 1 and 2 are idempotent, 3 and 4 transactional, 0 is none.
  void append(std::int64_t id) {
    BatchSpec spec;
    for (auto count = 1 + random_.below(3); count > 0; --count)
      spec.values.emplace_back(random_.below(60), static_cast<char>('a' + random_.below(26)));
    spec.timestamp = noon + static_cast<std::int64_t>(random_.below(100'000));
    if (id == 0) {
      ASSERT_TRUE(world_.append(spec));
      return;
    }
    const auto* entry = known(id);
    const bool open = entry != nullptr && entry->transaction_first_offset;
    if (id >= 3 && entry != nullptr && random_.below(open ? 3 : 8) == 0) {
      ASSERT_TRUE(world_.append(marker_batch(ProducerId(id), entry->epoch, random_.below(2) == 0, 1),
                                AppendOrigin::coordinator));
      return;
    }
    spec.producer_id = ProducerId(id);
    spec.producer_epoch = entry == nullptr ? ProducerEpoch(0) : entry->epoch;
    spec.base_sequence = entry == nullptr ? Sequence(0) : entry->last_sequence() + 1;
    spec.transactional = id >= 3;
    const auto appended = world_.append(spec);
    ASSERT_TRUE(appended) << appended.error().message;
  }

  void truncate() {
    const auto end = log().log_end_offset().value();
    auto target = static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(end) + 2));
    if (random_.below(2) == 0) target = std::max<std::int64_t>(0, end - static_cast<std::int64_t>(random_.below(8)));
    const bool fully = random_.below(12) == 0;
    if (fully) target = static_cast<std::int64_t>(random_.below(40));
    bool cut = false;
    auto done = [&](const Status& status) { cut = status.has_value(); };
    fully ? log().truncate_fully_and_start_at(Offset(target), done) : log().truncate_to(Offset(target), done);
    world_.shard.run();
    ASSERT_TRUE(cut);
    const auto new_end = log().log_end_offset().value();
    if (!fully) ASSERT_LE(new_end, std::min(target, end));
    if (!fully && target < end) ASSERT_GE(new_end, target - 2) << "a batch has three records at most";
    cut_records += static_cast<std::uint64_t>(std::max<std::int64_t>(0, end - new_end));
    high_watermark_ = log().published().high_watermark;
    check();
  }

  void reopen() {
    const auto before = answers_of(world_);
    if (random_.below(2) == 0) {
      ASSERT_TRUE(world_.stop());
    } else {
      ASSERT_TRUE(world_.manager->write_checkpoints());
      world_.kill();
    }
    ASSERT_TRUE(world_.start());
    ASSERT_TRUE(world_.manager->unusable().empty()) << world_.manager->unusable().front().second;
    ASSERT_EQ(answers_of(world_), before) << "what a truncation left is what a start finds";
  }

  void check() {
    if (testing::Test::HasFailure()) return;
    ASSERT_EQ(answers_of(world_), answers_of_rebuilt(world_, files_));
  }

  SeededRandom random_;
  CrashFileSystem files_;
  LogWorld world_;
  bool moves_start_ = false;
  std::int64_t high_watermark_ = 0;
  std::vector<ProducerEntry> entries_;
};

struct TruncationsAtRandom : testing::TestWithParam<SyncMode> {
  void SetUp() override { set_log_level(LogLevel::off); }
  void TearDown() override { set_log_level(LogLevel::info); }
};

TEST_P(TruncationsAtRandom, LeaveALogAsOneThatIsBuiltAnewFromItsRecords) {
  const auto [first, last] = seeds_up_to(150);
  std::uint64_t cut = 0;
  for (auto seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("MILLRACE_SEED=" + std::to_string(seed));
    RandomLife life(seed, GetParam());
    life.run();
    if (HasFailure()) FAIL() << "with seed " << seed;
    cut += life.cut_records;
  }
  if (first != last) EXPECT_GT(cut, 5000U);
}

INSTANTIATE_TEST_SUITE_P(Modes, TruncationsAtRandom, testing::ValuesIn(sync_modes), sync_mode_name);

}  // namespace
}  // namespace millrace::log::test
