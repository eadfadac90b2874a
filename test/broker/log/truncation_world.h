// A log in memory that is truncated, in each of the ways in which appends are synced.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "test/broker/log/log_answers.h"

namespace millrace::log::test {

inline constexpr TimestampMs noon{1'700'000'000'000};

// How appends are confirmed: at once, by a sync of the segment, by the journal.
struct SyncMode {
  const char* name;
  std::int64_t flush_messages;
  std::size_t journal_files;
};

inline constexpr std::array sync_modes{SyncMode{"Unsynced", LogConfig::unlimited, 0}, SyncMode{"SyncedOneByOne", 1, 0},
                                       SyncMode{"Journaled", 1, 2}};

inline void PrintTo(const SyncMode& mode, std::ostream* out) { *out << mode.name; }
inline std::string sync_mode_name(const testing::TestParamInfo<SyncMode>& info) { return info.param.name; }

// Its modes are in truncation_test.cpp.
struct Truncation : testing::TestWithParam<SyncMode> {
  void start(const LogConfig& chosen = of_small_segments()) {
    world = make_world(chosen, files);
    world->options.producer_id_expiration_ms = LogConfig::unlimited;
    world->shard.manual_clock().set_wall_clock(noon);
    ASSERT_TRUE(world->start());
  }
  [[nodiscard]] std::unique_ptr<LogWorld> make_world(LogConfig chosen, FileSystem& where) const {
    chosen.flush_messages = GetParam().flush_messages;
    auto made = std::make_unique<LogWorld>(chosen, where);
    made->options.journal.files = GetParam().journal_files;
    return made;
  }
  void SetUp() override { start(); }
  static LogConfig of_small_segments() {
    LogConfig config;
    config.segment_bytes = 500;
    config.segment_index_bytes = 1200;
    config.index_interval_bytes = 1;
    return config;
  }
  // Batches of two records, offsets 2n and 2n + 1.
  void fill(int batches) {
    for (int number = 0; number < batches; ++number) {
      ASSERT_TRUE(world->append({.values = {"one", std::string(40, 'x')}, .timestamp = noon + number * 100}));
    }
  }
  Status truncate(std::int64_t offset, bool fully = false) {
    std::optional<Status> outcome;
    auto done = [&](Status status) { outcome = std::move(status); };
    fully ? log().truncate_fully_and_start_at(Offset(offset), done) : log().truncate_to(Offset(offset), done);
    world->shard.run();
    EXPECT_TRUE(outcome) << "never answered";
    return outcome.value_or(fail(ErrorKind::timed_out, "never answered"));
  }
  void flush() {
    log().flush([](const Status& status) { ASSERT_TRUE(status); });
    world->shard.run();
  }
  [[nodiscard]] PartitionLog& log() const { return *world->log(); }
  [[nodiscard]] Offset end() const { return log().log_end_offset(); }
  [[nodiscard]] std::vector<std::string> names(std::string_view suffix) { return names_in(files, suffix); }
  [[nodiscard]] std::vector<std::string> names_in(FileSystem& where, std::string_view suffix) const {
    std::vector<std::string> found;
    const auto entries = where.list(world->partition_path());
    for (const auto& entry : *entries) {
      if (entry.name.ends_with(suffix)) found.push_back(entry.name);
    }
    return found;
  }
  [[nodiscard]] std::int64_t checkpointed(std::string_view name) {
    const auto offsets = read_offset_checkpoint(files, world->data_path() + "/" + std::string(name));
    const auto at = offsets->find({"events", PartitionIndex(0)});
    return at == offsets->end() ? -1 : at->second.value();
  }
  void expect_as_rebuilt() { EXPECT_EQ(answers_of(*world), answers_of_rebuilt(*world, files)); }

  SeededRandom random{11};
  CrashFileSystem files{random};
  std::unique_ptr<LogWorld> world;
};

}  // namespace millrace::log::test
