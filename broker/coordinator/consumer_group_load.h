// The records of groups of the new protocol, read in the order of their partition, become groups. The newest record of each key counts, in
// whatever order compaction left them. Owned by one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/coordinator/consumer_group.h"
#include "broker/coordinator/consumer_offsets_records.h"
#include "broker/coordinator/text_map.h"

namespace millrace::coordinator {

class ConsumerGroupLoad {
 public:
  // Whether a key is one of these groups'.
  static bool takes(const ConsumerOffsetsKey& key);
  // The group that a key belongs to; only of keys that it takes.
  static std::string_view group_of(const ConsumerOffsetsKey& key);

  // The next record, without a value a tombstone. Errors: a value that cannot be read, which is passed over.
  Status read(const ConsumerOffsetsKey& key, const std::optional<BytesView>& value);
  // The group turned out to be a classic one.
  void forget(std::string_view group_id);

  // Groups that have an epoch or members.
  [[nodiscard]] std::vector<ConsumerGroup> finish() &&;

 private:
  struct LoadedMember {
    std::optional<ConsumerGroupMember> metadata;
    std::optional<ConsumerGroupMember> assignment;
    std::optional<AssignedPartitions> target;
  };
  struct LoadedGroup {
    std::int32_t epoch = 0;
    std::int32_t target_epoch = 0;
    SubscribedTopics topics;
    ConsumerGroup::Patterns patterns;
    std::map<std::string, LoadedMember, std::less<>> members;
  };
  struct Reader;

  static std::optional<ConsumerGroup> made(const std::string& id, LoadedGroup& loaded);

  TextMap<LoadedGroup> groups_;
};

}  // namespace millrace::coordinator
