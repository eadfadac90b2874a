// The offsets that consumers of old keep in the metadata store: OffsetCommit and OffsetFetch version 0. One znode for each partition of a
// group, whose data is the number (kafka.zk.KafkaZkClient.setOrCreateConsumerOffset, getConsumerOffset).
//
// Belongs to the store's shard; completions run there. A completion comes for each call unless the shard has stopped before.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/base/unique_function.h"
#include "broker/metadata/metadata_store.h"

namespace millrace::metadata {

class ZnodeOffsets {
 public:
  using Offsets = std::vector<std::pair<TopicPartition, Offset>>;
  using Stored = UniqueFunction<void(std::vector<Status>)>;
  using Found = UniqueFunction<void(std::vector<Result<std::optional<Offset>>>)>;

  // The store outlives the object and its calls.
  explicit ZnodeOffsets(MetadataStore& store) : store_(store) {}

  // One after the other; an outcome for each. Errors: the store's, invalid_argument for an id that makes no path.
  void store(std::string group_id, Offsets offsets, Stored done);
  // nullopt: nothing was stored. Errors: the store's, corrupt for data that is no number.
  void find(std::string group_id, std::vector<TopicPartition> partitions, Found done);

 private:
  MetadataStore& store_;
};

}  // namespace millrace::metadata
