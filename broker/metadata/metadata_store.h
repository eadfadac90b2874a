// The cluster's small, consistent, durable memory: a tree of znodes with ZooKeeper's semantics, as one client sees it.
//
// One object is one client with at most one session at a time. It belongs to one shard: every call is made by a task of
// that shard, and every answer and event is delivered as a task of that shard, never from inside the call that asked.
//
// Guarantees, the same for every store:
// - Operations of a session are applied, and their replies called, in the order of the calls. Every reply is called
// exactly
//   once, unless the shard has stopped.
// - A successful write is durable before its answer. A multi is applied whole or not at all.
// - A watch is one-shot and fires for the first matching change after the read that left it; its event is delivered
// before
//   the answer of any read that sees that change or a later one. Two watches of the same kind on one path are one
//   watch: one event, delivered to every listener.
// - Reads see the session's own earlier writes, and never go back in time. A read may miss other sessions' latest
// writes;
//   sync() first where that matters.
//
// Errors of an operation:
//   invalid_argument   the path is malformed (validate_path), the root would be deleted, or request_bytes_max is
//   exceeded not_found          the znode, or for create its parent, is not there already_exists     create found the
//   znode version_mismatch   the expected version is not the znode's not_empty          remove found children
//   unsupported        create below an ephemeral znode
//   connection_loss    the connection broke: the operation was applied or was not, or still will be before any later
//                      operation of this session. Check again (sync and read) before deciding anything
//   session_expired    the session is gone, its ephemeral znodes and watches with it; as with connection_loss the
//   outcome
//                      is unknown. Everything fails so until open_session
//   unavailable        no session was opened, or the store is stopping; nothing was applied
//   resource_exhausted too many operations in flight; nothing was applied
//   io, no_space, corrupt  the store's own disk; nothing was applied
//
// Source: ZooKeeper Programmer's Guide (guarantees, watches, sessions); kafka.zookeeper.ZooKeeperClient.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "broker/base/result.h"
#include "broker/base/unique_function.h"
#include "broker/metadata/znode.h"

namespace millrace {
class Shard;
}

namespace millrace::metadata {

// Called once with the outcome, on the store's shard.
template <class T>
using Reply = UniqueFunction<void(Result<T>)>;

struct Created {
  std::string path;  // with its number, when sequential
  Stat stat;
};

struct Znode {
  std::string data;
  Stat stat;
};

struct Children {
  std::vector<std::string> names;  // without the parent's path, in no particular order
  Stat stat;                       // of the parent
};

// One operation of a multi.
struct CreateOperation {
  std::string path;
  std::string data;
  CreateMode mode = CreateMode::persistent;
};
struct SetOperation {
  std::string path;
  std::string data;
  ZnodeVersion expected = any_version;
};
struct RemoveOperation {
  std::string path;
  ZnodeVersion expected = any_version;
};
struct CheckOperation {
  std::string path;
  ZnodeVersion expected = any_version;
};
using Operation = std::variant<CreateOperation, SetOperation, RemoveOperation, CheckOperation>;

// Created for a create, Stat for a set, nothing for remove and check.
using OperationResult = std::variant<std::monostate, Created, Stat>;

struct MultiResult {
  struct Failure {
    std::size_t operation;  // the first that could not be done; nothing was applied
    Error error;
  };
  std::optional<Failure> failure;
  std::vector<OperationResult> results;  // one for each operation, or empty after a failure

  [[nodiscard]] bool applied() const { return !failure.has_value(); }
};

// What a later process needs to take the session over. The password is a secret.
struct SessionIdentity {
  SessionId id;
  std::array<std::uint8_t, 16> password{};

  friend bool operator==(const SessionIdentity&, const SessionIdentity&) = default;
};

enum class Watch : std::uint8_t { no, yes };

enum class SessionEvent : std::uint8_t {
  connected,     // a session was opened, re-attached, or has its connection back
  disconnected,  // the connection is gone; the session may outlive it. Operations fail with connection_loss
  expired,       // the session is over. Nothing reopens it but open_session
  closed,        // close_session was done
};

// Watch events and session events, in their order with the answers. Any listener hears everything and picks its paths.
class MetadataListener {
 public:
  virtual void on_session_event(SessionEvent event) = 0;
  virtual void on_watch_event(const WatchEvent& event) = 0;

 protected:
  ~MetadataListener() = default;
};

class MetadataStore {
 public:
  MetadataStore() = default;
  MetadataStore(const MetadataStore&) = delete;
  MetadataStore& operator=(const MetadataStore&) = delete;
  // Closes the session if there is one and stops. Operations in flight are completed or fail with unavailable; their
  // replies may come as tasks of the shard after the object is gone. Listeners hear nothing more. Not from one of its
  // own callbacks.
  virtual ~MetadataStore() = default;

  // The shard that calls and is called.
  [[nodiscard]] virtual Shard& shard() = 0;

  // Listeners outlive their registration. Adding and removing is allowed in a listener's own call.
  virtual void add_listener(MetadataListener& listener) = 0;
  virtual void remove_listener(MetadataListener& listener) = 0;

  // Begins a session; allowed when there is none or the last one is closed or expired. `connected` follows. With an
  // identity, that session is taken over with its ephemeral znodes (its watches are not): `connected` follows, or
  // `expired` when it is gone. Operations may be called at once: they wait for the connection.
  virtual void open_session(std::optional<SessionIdentity> take_over) = 0;
  // Ends the session, its ephemeral znodes and its watches. `closed` follows, then the reply. Without a session:
  // unavailable.
  virtual void close_session(Reply<void> reply) = 0;
  // Of the session, from `connected` until `expired` or `closed`.
  [[nodiscard]] virtual std::optional<SessionIdentity> session() const = 0;

  virtual void create(std::string path, std::string data, CreateMode mode, Reply<Created> reply) = 0;
  // Deletes a znode without children.
  virtual void remove(std::string path, ZnodeVersion expected, Reply<void> reply) = 0;
  virtual void set(std::string path, std::string data, ZnodeVersion expected, Reply<Stat> reply) = 0;
  virtual void multi(std::vector<Operation> operations, Reply<MultiResult> reply) = 0;

  // A watch is left when the read succeeds: get's fires on deleted and data_changed.
  virtual void get(std::string path, Watch watch, Reply<Znode> reply) = 0;
  // No value when it is not there; the watch is left in both cases and fires on created, deleted and data_changed.
  virtual void exists(std::string path, Watch watch, Reply<std::optional<Stat>> reply) = 0;
  // The watch fires on children_changed, and on deleted of the parent itself.
  virtual void children(std::string path, Watch watch, Reply<Children> reply) = 0;
  // After it, this session's reads see everything that was written, by anybody, before this call.
  virtual void sync(std::string path, Reply<void> reply) = 0;
};

}  // namespace millrace::metadata
