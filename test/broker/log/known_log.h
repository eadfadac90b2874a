// A log of which a journal knows what the test says.
#pragma once

#include "broker/base/manual_shard.h"
#include "broker/log/journaled_log.h"

namespace millrace::log::test {

class KnownLog final : public JournaledLog {
 public:
  explicit KnownLog(Shard& shard) : shard_(shard) {}

  Offset synced{0};
  JournalStay stay = 0;

  [[nodiscard]] const TopicPartition& partition_of() const override { return partition_; }
  [[nodiscard]] const TopicId& topic_id_of() const override { return id_; }
  [[nodiscard]] Shard& home() const override { return shard_; }
  [[nodiscard]] bool has_synced(JournalStay of, Offset end) const override { return of != stay || end <= synced; }
  void journaled(JournalStay, Offset, const Status&) override {}
  void sync_segments(JournalStay, UniqueFunction<void(Status)>) override {}

 private:
  Shard& shard_;
  TopicPartition partition_{"events", PartitionIndex(0)};
  TopicId id_;
};

}  // namespace millrace::log::test
