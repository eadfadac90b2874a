// A cluster's znodes on their way from one store to another: from the embedded store to a ZooKeeper, so that a Kafka broker can open our
// log directories, and back. What is written is decided here, from what both stores hold; nothing is read or written.
//
// Taken over: the cluster's id, topics with their assignments and partition states, configurations, pending deletions, ACLs, tokens,
// the controller's epoch, the last block of producer ids, the number of generated broker ids. Afterwards the receiving store has
// these and no others of their kind. Left alone: everything ephemeral (registrations, the controller), notifications, /feature
// (a ZooKeeper controller makes it), and /millrace, which is nobody else's.
//
// Errors, each in words for whoever runs the command: not_found (nothing to take over), conflict (another cluster, a running broker or
// controller, a receiver that had a later controller), unsupported (replicas elsewhere), corrupt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/metadata/metadata_store.h"

namespace millrace::metadata {

struct TransferredZnode {
  std::string data;
  std::int32_t version = 0;
  bool is_ephemeral = false;

  friend bool operator==(const TransferredZnode&, const TransferredZnode&) = default;
};

// What a store holds of a cluster, by path.
struct ZnodeSnapshot {
  std::string name;  // of the store, for messages: "the ZooKeeper at localhost:2181/kafka"
  std::map<std::string, TransferredZnode, std::less<>> znodes;
};

struct ZnodeTransfer {
  // In an order that leaves no child without its parent. The cluster's id comes last: a receiver that has it has everything. Doing
  // only the first of them and planning anew is the same as doing all.
  std::vector<Operation> operations;
  std::string cluster_id;
  std::size_t topics = 0;
  std::size_t partitions = 0;
  std::size_t configurations = 0;
};

// Where a snapshot has to begin to hold all that a transfer looks at; below other paths nothing is taken or changed.
const std::vector<std::string>& transferred_roots();

// Znodes for a Kafka broker.
Result<ZnodeTransfer> plan_export(const ZnodeSnapshot& embedded, const ZnodeSnapshot& zookeeper);

// Znodes of a Kafka cluster of one broker for the embedded store, which serves one. `broker` is the one that is configured, or none: all
// replicas have to be on it. A partition without a leader gets that broker, in the next epoch, if it is in sync: as Kafka's
// controller does at its start.
Result<ZnodeTransfer> plan_import(ZnodeSnapshot zookeeper, const ZnodeSnapshot& embedded, BrokerId broker);

}  // namespace millrace::metadata
