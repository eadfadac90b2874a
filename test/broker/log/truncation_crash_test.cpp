// The power goes at any change of the disk that a truncation makes, or soon after it: a prefix is left.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "broker/base/logging.h"
#include "test/broker/log/truncation_world.h"

namespace millrace::log::test {
namespace {

struct CrashCase {
  const char* name;
  std::int64_t target;
  bool fully = false;
  std::int64_t log_start = 0;
  bool compacted = false;
};

std::vector<std::string> values_of(LogWorld& world) {
  std::vector<std::string> values;
  const auto start = world.log()->log_start_offset();
  for (const auto& record : world.read_all(start))
    values.push_back(std::to_string(record.offset.value()) + ":" + record.value);
  return values;
}

bool is_prefix(const std::vector<std::string>& values, const std::vector<std::string>& of) {
  return values.size() <= of.size() && std::equal(values.begin(), values.end(), of.begin());
}

// A truncation in which the power goes before a change of the disk, or soon after it.
class CrashedTruncation {
 public:
  CrashedTruncation(const CrashCase& chosen, bool journaled, std::uint64_t change, std::uint64_t seed)
      : case_(chosen),
        journaled_(journaled),
        change_(change),
        seed_(seed),
        random_(change * 1000 + seed),
        files_(random_),
        world_(config(), files_) {
    world_.options.producer_id_expiration_ms = LogConfig::unlimited;
    world_.options.journal.file_bytes = 32 * 1024;
  }

  // Whether the truncation came to its end.
  bool run() {
    EXPECT_TRUE(world_.start());
    fill();
    truncate();
    if (answered_) go_on();
    lose_power();
    if (!testing::Test::HasFailure()) check();
    return answered_;
  }

 private:
  LogConfig config() const {
    LogConfig config;
    config.segment_bytes = 400;
    config.segment_index_bytes = 1200;
    config.index_interval_bytes = 100;
    config.compacted = case_.compacted;
    config.deleted_by_age_or_size = !case_.compacted;
    if (journaled_) config.flush_messages = 1;
    return config;
  }

  void write(int number) {
    BatchSpec spec{.values = {"v" + std::to_string(number), "w"}, .timestamp = noon + number};
    if (number % 3 != 0) {
      spec.producer_id = ProducerId(number % 3);
      spec.producer_epoch = ProducerEpoch(0);
      spec.base_sequence = Sequence(number / 3 * 2);
      spec.transactional = number % 3 == 1;
    }
    ASSERT_TRUE(world_.append(spec));
  }
  void begin_epoch() {
    world_.leader_epoch = world_.leader_epoch + 1;
    ASSERT_TRUE(world_.log()->start_leader_epoch(world_.leader_epoch));
  }
  void flush() {
    world_.log()->flush([](const Status& status) { ASSERT_TRUE(status); });
    world_.shard.run();
  }

  void fill() {
    for (int number = 0; number < 15; ++number) {
      if (number == 6 || number == 11) begin_epoch();
      write(number);
      if (number == 13) flush();
    }
    world_.log()->publish_high_watermark(Offset(14));
    if (case_.log_start > 0) EXPECT_TRUE(world_.log()->advance_log_start_offset(Offset(case_.log_start)));
    EXPECT_TRUE(world_.manager->write_checkpoints());
    before_ = values_of(world_);
    end_before_ = world_.log()->log_end_offset();
    synced_before_ = journaled_ ? world_.log()->synced_offset() : world_.log()->recovery_point();
    if (journaled_) EXPECT_EQ(synced_before_, end_before_);
  }

  void truncate() {
    files_.crash_after = change_;
    const auto done = [this](const Status& status) { answered_ = status.has_value(); };
    const auto log = world_.log();
    case_.fully ? log->truncate_fully_and_start_at(Offset(case_.target), done)
                : log->truncate_to(Offset(case_.target), done);
    world_.shard.run();
  }

  // What comes next is not synced but for three records in half of the cases, or is in the journal; nothing of what was cut may come in its
  // place.
  void go_on() {
    files_.crash_after.reset();
    after_ = values_of(world_);
    begin_epoch();
    for (int number = 0; number < 6; ++number) {
      ASSERT_TRUE(world_.append({.values = {"new" + std::to_string(number)}, .timestamp = noon + 500}));
      if (number == 2 && seed_ % 2 == 0) flush();
    }
    if (seed_ % 3 == 0) EXPECT_TRUE(world_.manager->write_checkpoints());
    appended_ = values_of(world_);
  }

  void lose_power() {
    files_.crash();
    world_.kill();
    files_.restart();
    ASSERT_TRUE(world_.start());
    ASSERT_TRUE(world_.manager->unusable().empty()) << world_.manager->unusable().front().second;
  }

  void check() {
    const auto found = values_of(world_);
    const auto end = world_.log()->log_end_offset();
    if (answered_) {
      EXPECT_TRUE(is_prefix(after_, found)) << "what the truncation left is there";
      EXPECT_TRUE(is_prefix(found, appended_)) << testing::PrintToString(found);
      if (seed_ % 2 == 0) EXPECT_GE(found.size(), after_.size() + 3) << "what was synced since";
      if (journaled_) EXPECT_EQ(found, appended_) << "all of it was synced";
      if (case_.fully) EXPECT_EQ(world_.log()->log_start_offset(), Offset(case_.target));
    } else {
      EXPECT_TRUE(is_prefix(found, before_)) << testing::PrintToString(found);
      EXPECT_LE(end, std::max(end_before_, Offset(case_.target)));
      if (!case_.fully) EXPECT_GE(end, std::min(synced_before_, Offset(case_.target - 1)));
    }
    ASSERT_EQ(answers_of(world_), answers_of_rebuilt(world_, files_));
    ASSERT_TRUE(world_.append({.values = {"and on"}}));
  }

  const CrashCase& case_;
  const bool journaled_;
  const std::uint64_t change_;
  const std::uint64_t seed_;
  SeededRandom random_;
  CrashFileSystem files_;
  LogWorld world_;
  bool answered_ = false;
  std::vector<std::string> before_;
  Offset end_before_;
  Offset synced_before_;
  std::vector<std::string> after_;     // the truncation
  std::vector<std::string> appended_;  // and what came then
};

using CrashParam = std::tuple<CrashCase, bool>;  // the case, and whether appends are in the journal

std::string name_of(const CrashParam& param) {
  const auto& [chosen, journaled] = param;
  return std::string(chosen.name) + (journaled ? "_journaled" : "");
}
void PrintTo(const CrashParam& param, std::ostream* out) { *out << name_of(param); }

struct TruncationsThatCrash : testing::TestWithParam<CrashParam> {
  void SetUp() override { set_log_level(LogLevel::off); }
  void TearDown() override { set_log_level(LogLevel::info); }
};

TEST_P(TruncationsThatCrash, LeaveAPrefixAtEveryFileOperation) {
  const auto& [chosen, journaled] = GetParam();
  const std::uint64_t seeds = journaled ? 4 : 12;
  bool finished = false;
  int lives = 0;
  for (std::uint64_t change = 0; !finished; ++change) {
    ASSERT_LT(change, 400U);
    for (std::uint64_t seed = 1; seed <= seeds && !HasFailure(); ++seed) {
      SCOPED_TRACE(name_of(GetParam()) + " change " + std::to_string(change) + " seed " + std::to_string(seed));
      ++lives;
      finished = CrashedTruncation(chosen, journaled, change, seed).run();
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(lives, 5 * static_cast<int>(seeds));
}

constexpr std::array crash_cases{CrashCase{"active_segment", 27},
                                 CrashCase{"active_segment_to_a_batch", 28},
                                 CrashCase{"earlier_segment", 9},
                                 CrashCase{"segments_start", 8},
                                 CrashCase{"everything", 0},
                                 CrashCase{"below_the_log_start", 3, false, 6},
                                 CrashCase{"fully_behind", 50, true},
                                 CrashCase{"fully_inside", 9, true},
                                 CrashCase{"fully_at_the_start", 0, true},
                                 CrashCase{"compacted", 9, false, 0, true},
                                 CrashCase{"compacted_fully", 50, true, 0, true}};

INSTANTIATE_TEST_SUITE_P(Cases, TruncationsThatCrash, testing::Combine(testing::ValuesIn(crash_cases), testing::Bool()),
                         [](const auto& info) { return name_of(info.param); });

}  // namespace
}  // namespace millrace::log::test
