// The offsets of one group: those that count, those whose records are on their way into the log, and those of open transactions
// (the offset half of kafka.coordinator.group.GroupMetadata).
//
// Invariant: of two commits of a partition that both are in the log the later one in the log counts, in whatever order they are reported
// and whenever their transactions end. That is what compaction leaves, too. No I/O and no clock. Owned by its group.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/base/types.h"
#include "broker/coordinator/group_append.h"

namespace millrace::coordinator {

struct CommittedOffset {
  Offset offset{};
  LeaderEpoch leader_epoch = LeaderEpoch::none();
  std::string metadata;
  TimestampMs commit_timestamp{};
  TimestampMs expire_timestamp = TimestampMs::none();  // none(): offsets.retention.minutes decides

  friend bool operator==(const CommittedOffset&, const CommittedOffset&) = default;
};

// A partition without owning its topic's name.
struct PartitionName {
  std::string_view topic;
  PartitionIndex partition;

  PartitionName(std::string_view topic_name, PartitionIndex index) : topic(topic_name), partition(index) {}
  explicit PartitionName(const TopicPartition& owned) : topic(owned.topic), partition(owned.partition) {}
  friend auto operator<=>(const PartitionName&, const PartitionName&) = default;
};

struct PartitionNameOrder {
  using is_transparent = void;
  template <class Left, class Right>
  bool operator()(const Left& left, const Right& right) const {
    return PartitionName(left) < PartitionName(right);
  }
};

class OffsetTable {
 public:
  struct Entry {
    Offset record_offset;  // of the first record of the batch that has it
    CommittedOffset value;
  };
  template <class Value>
  using PartitionMap = std::map<TopicPartition, Value, PartitionNameOrder>;

  // A commit's record was given out as `append`; then it is in the log, at `record_offset`, or is not. What was erased in
  // between stays away.
  void stage(const TopicPartition& partition, GroupAppendId append);
  void on_appended(const TopicPartition& partition, GroupAppendId append, Offset record_offset, CommittedOffset value);
  void on_failed(const TopicPartition& partition, GroupAppendId append);

  // The same of a commit in a transaction. It counts after its producer's commit marker, however late its own report comes.
  void stage(ProducerId producer, const TopicPartition& partition, GroupAppendId append, CommittedOffset value);
  void on_appended(ProducerId producer, const TopicPartition& partition, GroupAppendId append, Offset record_offset);
  void on_failed(ProducerId producer, const TopicPartition& partition, GroupAppendId append);
  void complete_transaction(ProducerId producer, bool commit);
  [[nodiscard]] bool has_transaction(ProducerId producer) const { return transactions_.contains(producer); }
  [[nodiscard]] std::vector<ProducerId> open_producers() const;

  [[nodiscard]] const CommittedOffset* find(const PartitionName& partition) const;
  [[nodiscard]] const PartitionMap<Entry>& committed() const { return committed_; }
  // Whether a commit of the partition is on its way, in a transaction or not, so that a reader had better ask again.
  [[nodiscard]] bool is_unstable(const PartitionName& partition) const;
  [[nodiscard]] bool is_staged(const PartitionName& partition) const { return staged_.contains(partition); }
  [[nodiscard]] bool empty() const {
    return committed_.empty() && staged_.empty() && transactions_.empty() && decided_.empty();
  }

  // Forgets the partition, also what is on its way; what a transaction has of it counts after its commit marker all the same, because so it
  // is for whoever reads the log. Whether the log needs a tombstone.
  bool erase(const PartitionName& partition);
  // Those for which it would.
  [[nodiscard]] std::vector<TopicPartition> erasable() const;

  // What a load has read.
  void put(const TopicPartition& partition, Entry entry) { committed_.insert_or_assign(partition, std::move(entry)); }
  void put(ProducerId producer, const TopicPartition& partition, Entry entry);

 private:
  struct TransactionEntry {
    GroupAppendId append = 0;
    Offset record_offset = Offset::none();  // none() until it is in the log
    CommittedOffset value;
  };

  bool unstage(const TopicPartition& partition, GroupAppendId append);
  void put_if_newer(const TopicPartition& partition, Offset record_offset, CommittedOffset value);

  PartitionMap<Entry> committed_;
  PartitionMap<std::vector<GroupAppendId>> staged_;
  std::map<ProducerId, PartitionMap<TransactionEntry>> transactions_;
  // Committed by their markers before their own appends were reported.
  std::map<std::pair<GroupAppendId, TopicPartition>, CommittedOffset> decided_;
};

}  // namespace millrace::coordinator
