// What one partition's log was asked to keep and what it promised: the records of every append by the order in which
// they were made, which of them are on disk for sure, which must never be seen again. What a log says after a crash is
// held against it.
//
// Each batch is known by its number, which stands in every one of its values, and as the coordinator's epoch in a
// marker.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/log/log_config.h"
#include "broker/log/partition_log.h"

namespace millrace::sim {

struct LedgerBatch {
  enum class Fate : std::uint8_t {
    possible,  // asked for; it may be there
    written,
    refused,  // it never was there
    gone,     // cut off, for good
  };
  std::vector<std::pair<std::string, std::string>> records;  // keys, values; none: a marker
  ProducerId producer = ProducerId::none();
  bool transactional = false;
  bool aborted = false;    // its transaction is, or the marker says so
  bool committed = false;  // the same
  Fate fate = Fate::possible;
  std::optional<Offset> base;

  [[nodiscard]] bool is_marker() const { return records.empty(); }
  [[nodiscard]] Offset end() const { return *base + static_cast<std::int64_t>(is_marker() ? 1 : records.size()); }
};

class LogLedger {
 public:
  enum class State : std::uint8_t { making, there, deleting, deleted };

  LogLedger(TopicPartition name, std::uint64_t incarnation, const log::LogConfig& topic_config)
      : partition(std::move(name)),
        topic_id{{static_cast<std::uint8_t>(incarnation), static_cast<std::uint8_t>(incarnation >> 8), 1}},
        config(topic_config),
        prefix(std::to_string(incarnation)) {}

  const TopicPartition partition;
  const TopicId topic_id;
  const log::LogConfig config;
  const std::string prefix;  // of all values
  State state = State::making;
  std::shared_ptr<log::PartitionLog> log;  // while it is served
  LeaderEpoch leader_epoch{0};
  std::vector<LedgerBatch> batches;

  // The bytes of a new batch: of one to three records, or a marker.
  std::vector<std::uint8_t> add_records(std::uint64_t count, std::uint64_t padding, std::uint64_t key, TimestampMs now,
                                        const log::ProducerEntry* producer, ProducerId id, bool transactional);
  std::vector<std::uint8_t> add_marker(const log::ProducerEntry& producer, bool commit, TimestampMs now);
  void appended(std::size_t number, const log::AppendOutcome& outcome);

  // It is in the log, which now ends there, and is taken for synced.
  void acknowledge(std::size_t number, Offset end);
  void synced(Offset end) { synced_to_ = std::max(synced_to_, end); }
  // A truncation begins, and the first of those that have begun is over: a log carries them out one after the other.
  void truncating(Offset target);
  void truncated(Offset end);
  [[nodiscard]] std::uint64_t cuts() const { return cuts_; }  // truncations that are over
  // The process ends: what it has said stands.
  void process_ended();
  // What a start found after a kill, which loses nothing: what is not there will never be.
  std::string settle(BytesView content, Offset start, Offset end);

  // Everything below is on disk, whatever comes.
  [[nodiscard]] Offset floor() const;
  // The log's start is no higher.
  [[nodiscard]] Offset highest_start() const;
  // What is wrong with a log that says so after a crash; empty: nothing. `lossless`: only the process was killed.
  [[nodiscard]] std::string check(BytesView content, Offset start, Offset end, bool lossless) const;

 private:
  struct Found;

  std::string read(BytesView content, Offset start, Offset end, std::vector<Found>& found) const;
  std::string check_order(const std::vector<Found>& found) const;
  std::string check_loss(const std::vector<Found>& found, Offset start, Offset floor) const;
  std::string check_keys(const std::vector<Found>& found, Offset floor) const;

  Offset synced_to_{0};
  Offset start_{0};  // the highest one of the processes that have ended
  std::uint64_t cuts_ = 0;
  std::deque<Offset> cutting_to_;  // the lowest end of each truncation that is not over, in their order
};

}  // namespace millrace::sim
