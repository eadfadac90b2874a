// Everything that a log says of itself, as text that can be compared, and a log that is built anew from nothing but
// the log files of another one: indexes, producers, epochs, aborted transactions must come out the same.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "broker/log/checkpoint_file.h"
#include "broker/log/loaded_log.h"
#include "broker/log/log_directory.h"
#include "test/broker/log/crash_file_system.h"
#include "test/broker/log/log_world.h"

namespace millrace::log::test {

struct LogAnswers {
  Bytes batches;  // from the log's start to its end
  std::vector<std::string> rows;

  friend bool operator==(const LogAnswers&, const LogAnswers&) = default;
};

inline void PrintTo(const LogAnswers& answers, std::ostream* out) {
  *out << answers.batches.size() << " bytes\n";
  for (const auto& row : answers.rows) *out << "  " << row << "\n";
}

inline std::string row_of(const ProducerEntry& entry) {
  return "producer " + std::to_string(entry.id.value()) + " epoch " + std::to_string(entry.epoch.value()) +
         " sequence " + std::to_string(entry.last_sequence().value()) + " at " +
         std::to_string(entry.last_offset().value()) + " time " + std::to_string(entry.last_timestamp.value()) +
         " coordinator " + std::to_string(entry.coordinator_epoch) + " open from " +
         std::to_string(entry.transaction_first_offset.value_or(Offset::none()).value());
}

// What a reader of committed records is told of the batch from `offset` to `last`: transactions that begin later may
// be told or not.
inline std::string read_committed_row(LogWorld& world, Offset offset, Offset last) {
  std::optional<ReadOutcome> outcome;
  world.log()->read({offset, world.log()->log_end_offset(), 1, true, true},
                    [&](ReadOutcome got) { outcome = std::move(got); });
  world.shard.run();
  EXPECT_TRUE(outcome && *outcome) << (outcome ? outcome->error().message : "never answered");
  std::string row = "aborted from " + std::to_string(offset.value());
  if (!outcome || !*outcome) return row;
  for (const auto& aborted : (**outcome).aborted) {
    if (aborted.first_offset > last) continue;
    row += " " + std::to_string(aborted.producer.value()) + ":";
    // Where one began of which the log has lost the first records depends on how far back was read.
    if (world.log()->log_start_offset() == Offset(0)) row += std::to_string(aborted.first_offset.value());
    row += "-" + std::to_string(aborted.last_offset.value());
    if (world.log()->log_start_offset() == Offset(0)) row += "/" + std::to_string(aborted.last_stable_offset.value());
  }
  return row;
}

// Of the log "events". Producers and what depends on them are known to a log that is built anew only when it still
// has its first record.
inline LogAnswers answers_of(LogWorld& world) {
  LogAnswers answers;
  auto log = world.log();
  const auto start = log->log_start_offset();
  const auto end = log->log_end_offset();
  answers.rows.push_back("from " + std::to_string(start.value()) + " to " + std::to_string(end.value()));
  std::set<std::int64_t> times;
  for (Offset offset = start; offset < end;) {
    auto data = world.read(offset, 1);
    EXPECT_TRUE(data) << data.error().message;
    if (!data || data->records.length_bytes == 0) break;
    const auto bytes = world.bytes_of(*data);
    const auto batch = protocol::parse_batch(bytes);
    EXPECT_TRUE(batch && protocol::check_batch_crc(*batch));
    if (!batch) break;
    answers.batches.insert(answers.batches.end(), bytes.begin(), bytes.end());
    times.insert(batch->header.max_timestamp.value());
    const auto epoch = log->leader_epoch_for(std::max(start, batch->header.base_offset));
    EXPECT_EQ(epoch, batch->header.partition_leader_epoch) << "at " << offset.value();
    answers.rows.push_back(std::to_string(offset.value()) + " is of epoch " + std::to_string(epoch.value()));
    answers.rows.push_back(read_committed_row(world, offset, batch->header.last_offset()));
    offset = batch->header.last_offset() + 1;
  }
  for (auto time : times) {
    const auto found = world.find_offset(TimestampMs(time));
    answers.rows.push_back("time " + std::to_string(time) + " is at " +
                           std::to_string(found ? found->offset.value() : -9));
  }
  const auto largest = world.find_offset(OffsetSpec::max_timestamp);
  answers.rows.push_back("largest time is at " + std::to_string(largest ? largest->offset.value() : -9));
  if (start > Offset(0)) return answers;
  for (const auto& entry : log->producers()) answers.rows.push_back(row_of(entry));
  return answers;
}

inline void put_file(FileSystem& files, const std::string& path, const std::string& text) {
  auto file = files.open(path, OpenMode::read_write_or_create);
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_TRUE((*file)->truncate(0).and_then([&] { return (*file)->write_at(0, as_bytes(text)); }));
}

// The same of a log that has only the log files of `world`'s, the start and the high watermark.
inline LogAnswers answers_of_rebuilt(LogWorld& world, FileSystem& files) {
  SeededRandom random(1);
  CrashFileSystem fresh(random);
  LogWorld rebuilt(world.config, fresh);
  rebuilt.config.flush_messages = LogConfig::unlimited;  // what is asked of it needs no sync
  rebuilt.options.producer_id_expiration_ms = world.options.producer_id_expiration_ms;
  const auto entries = files.list(world.partition_path());
  EXPECT_TRUE(entries);
  for (const auto& entry : *entries) {
    if (!parse_segment_file_name(entry.name, log_suffix) && entry.name != "partition.metadata") continue;
    auto text = files.read_text(world.partition_path() + "/" + entry.name, 1 << 30);
    EXPECT_TRUE(text);
    put_file(fresh, rebuilt.partition_path() + "/" + entry.name, *text);
  }
  const TopicPartition partition{"events", PartitionIndex(0)};
  const auto& published = world.log()->published();
  EXPECT_TRUE(write_offset_checkpoint(fresh, rebuilt.data_path() + "/" + std::string(log_start_checkpoint_name),
                                      {{partition, Offset(published.log_start_offset)}}));
  EXPECT_TRUE(write_offset_checkpoint(fresh, rebuilt.data_path() + "/" + std::string(high_watermark_checkpoint_name),
                                      {{partition, Offset(published.high_watermark)}}));
  const auto started = rebuilt.start();
  EXPECT_TRUE(started) << started.error().message;
  EXPECT_TRUE(rebuilt.manager->unusable().empty());
  EXPECT_EQ(rebuilt.log()->recovery().truncated_bytes, 0U) << rebuilt.log()->recovery().reason;
  return answers_of(rebuilt);
}

}  // namespace millrace::log::test
