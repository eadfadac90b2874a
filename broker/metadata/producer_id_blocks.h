// Producer ids: unique in the cluster for ever. Each broker claims blocks of 1,000 by a conditional write of
// /latest_producer_id_block and hands their ids out one by one; the next block is claimed before the last one is used up.
//
// Invariant: no id is handed out twice. A block counts as claimed only when the write was answered with success; one whose outcome is
// unknown is never used, whoever it belongs to: the next is read and claimed, and a thousand ids of 2^63 are lost.
//
// Belongs to the store's shard. Source: kafka.coordinator.transaction.ZkProducerIdManager, RPCProducerIdManager (prefetch).
#pragma once

#include <cstddef>
#include <memory>

#include "broker/base/types.h"
#include "broker/metadata/metadata_store.h"

namespace millrace::metadata {

class ProducerIdBlocks {
 public:
  // What waits for a block at most; beyond it next() answers resource_exhausted.
  static constexpr std::size_t waiting_max = 10'000;

  // The store outlives the object.
  ProducerIdBlocks(MetadataStore& store, BrokerId self);
  ProducerIdBlocks(const ProducerIdBlocks&) = delete;
  ProducerIdBlocks& operator=(const ProducerIdBlocks&) = delete;
  ~ProducerIdBlocks();  // who waits gets unavailable

  // Answers at once while the block lasts (from inside the call), else when a block is claimed. Errors: what the store answered after
  // half a minute of trying (connection_loss, session_expired, …), corrupt, or resource_exhausted when all ids are given out.
  // The next call tries again.
  void next(Reply<ProducerId> reply);

 private:
  class State;

  std::shared_ptr<State> state_;
};

}  // namespace millrace::metadata
