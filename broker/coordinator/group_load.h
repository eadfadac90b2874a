// The records of one partition of `__consumer_offsets`, read from its first batch to its last, become groups and offsets
// (GroupMetadataManager.doLoadGroupsAndOffsets). A tombstone removes what came before it; offsets of a transaction count from its commit marker
// on, or are pending while it is open; keys of unknown types are skipped. Whether a group is a classic one or one of the new protocol (KIP-848)
// is for its newest record to say that is no tombstone.
//
// Kafka ends the load at a record that it cannot read and serves what it has by then; here such a record is skipped, counted and named, because
// what comes behind it is worth having. Owned by one thread.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/coordinator/consumer_group_load.h"
#include "broker/coordinator/group.h"
#include "broker/protocol/record.h"
#include "broker/protocol/record_batch.h"

namespace millrace::coordinator {

struct LoadedGroups {
  // A group's newest record's value, as it stands in the log; empty for a group that has only offsets.
  struct Group {
    std::vector<std::uint8_t> value;
    OffsetTable offsets;
  };

  TextMap<Group> groups;
  std::vector<ConsumerGroup> consumer_groups;  // of the new protocol; their offsets are in `groups`
  std::size_t unknown_keys = 0;
  std::size_t unreadable_records = 0;
  std::string first_unreadable;  // in words
};

class GroupLoad {
 public:
  // The next batch; `plain_records` are its records without compression. Errors: records that are not sound; those before are read.
  Status read(const protocol::BatchHeader& header, BytesView plain_records);

  [[nodiscard]] LoadedGroups finish() &&;

 private:
  using Offsets = OffsetTable::PartitionMap<OffsetTable::Entry>;
  using OffsetsByGroup = TextMap<Offsets>;

  void read_marker(const protocol::BatchHeader& header, const protocol::Record& record);
  void read_record(const protocol::BatchHeader& header, const protocol::Record& record, Offset batch_offset);
  void read_offset(const protocol::BatchHeader& header, const protocol::Record& record, Offset batch_offset,
                   const OffsetCommitKey& key);
  void read_group(const protocol::Record& record, const GroupMetadataKey& key);
  void read_consumer_group(const protocol::BatchHeader& header, const protocol::Record& record,
                           const ConsumerOffsetsKey& key);
  void note_unreadable(Offset offset, const Error& error);

  OffsetsByGroup offsets_;
  std::map<ProducerId, OffsetsByGroup> pending_;
  TextMap<std::vector<std::uint8_t>> groups_;
  ConsumerGroupLoad consumer_groups_;
  LoadedGroups loaded_;
};

}  // namespace millrace::coordinator
