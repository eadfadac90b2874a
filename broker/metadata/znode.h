// What a znode is: data, a Stat, children. The vocabulary of ZooKeeper, shared by every metadata store.
// Source: ZooKeeper Programmer's Guide; org.apache.zookeeper.data.Stat, CreateMode, Watcher.Event.EventType.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "broker/base/types.h"

namespace millrace::metadata {

// The store's logical time: every write gets a higher one. The operations of one multi share theirs.
using Zxid = StrongNumber<struct ZxidTag, std::int64_t>;
// How often a znode's data was set; 0 after its creation. A conditional write names the one it expects.
using ZnodeVersion = StrongNumber<struct ZnodeVersionTag, std::int32_t>;
// The expectation that any version meets.
inline constexpr ZnodeVersion any_version = ZnodeVersion::none();

using SessionId = StrongNumber<struct SessionIdTag, std::int64_t>;
// The owner of persistent znodes.
inline constexpr SessionId no_session{0};

struct Stat {
  Zxid czxid;                 // the write that created it: a broker's epoch is its registration's
  Zxid mzxid;                 // the last write of its data
  Zxid pzxid;                 // the last creation or deletion of a child; czxid while there was none
  TimestampMs ctime;          // wall clock of czxid
  TimestampMs mtime;          // wall clock of mzxid
  ZnodeVersion version;       // of the data
  std::int32_t cversion = 0;  // creations plus deletions of children
  std::int32_t aversion = 0;  // of the ACL
  SessionId ephemeral_owner = no_session;
  std::int32_t data_length_bytes = 0;
  std::int32_t num_children = 0;

  friend bool operator==(const Stat&, const Stat&) = default;
};

// Ephemeral znodes go with their session and have no children. Sequential ones get ten digits appended to their path:
// the number of children that were ever created below the parent.
enum class CreateMode : std::uint8_t { persistent, ephemeral, persistent_sequential, ephemeral_sequential };

constexpr bool is_ephemeral(CreateMode mode) {
  return mode == CreateMode::ephemeral || mode == CreateMode::ephemeral_sequential;
}
constexpr bool is_sequential(CreateMode mode) {
  return mode == CreateMode::persistent_sequential || mode == CreateMode::ephemeral_sequential;
}

// What a watch tells: that something changed, not what is there now.
struct WatchEvent {
  enum class Type : std::uint8_t { created, deleted, data_changed, children_changed };

  Type type;
  std::string path;

  friend bool operator==(const WatchEvent&, const WatchEvent&) = default;
};

// Paths and data of one request together: ZooKeeper drops the connection of a client that sends more than its
// jute.maxbuffer (1,048,575 bytes with the frame around them), so that the bound is checked before sending.
inline constexpr std::size_t request_bytes_max = 1'000'000;

}  // namespace millrace::metadata
