// Inside of the embedded store (embedded_store.h): the thread that owns tree, watches, sessions and database, and the queue to it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/random.h"
#include "broker/base/shard.h"
#include "broker/metadata/embedded_store.h"
#include "broker/metadata/metadata_store.h"
#include "broker/metadata/watch_table.h"
#include "broker/metadata/znode_database.h"
#include "broker/metadata/znode_tree.h"

namespace millrace::metadata::embedded {

// One client as the store's thread and the client's shard both know it. Each member has one owner.
struct ClientState {
  explicit ClientState(Shard& owner) : shard(owner) {}

  Shard& shard;

  // The shard's.
  bool alive = true;  // false: the client is gone, its listeners hear nothing more
  std::vector<MetadataListener*> listeners;
  std::optional<SessionIdentity> identity;
  std::size_t operations_in_flight = 0;
  std::size_t bytes_in_flight = 0;

  // The store thread's.
  SessionId session = no_session;
  bool expired = false;
};
using ClientPointer = std::shared_ptr<ClientState>;

struct LeftWatch {
  WatchTable::Kind kind;
  std::string path;
};

// What an operation left behind for the watches.
struct Effects {
  ZnodeTree::Changes changes;
  std::optional<LeftWatch> watch;
};

// An operation on its way: from the client's shard to the store's thread, run there (again, after the group that it was part of
// could not be committed), and back to be answered.
class PendingOperation {
 public:
  PendingOperation(ClientPointer client, std::size_t size_bytes)
      : client_(std::move(client)), size_bytes_(size_bytes) {}
  PendingOperation(const PendingOperation&) = delete;
  PendingOperation& operator=(const PendingOperation&) = delete;
  virtual ~PendingOperation() = default;

  virtual void run(ZnodeTree& tree, const ZnodeTree::WriteContext& context, Effects& effects) = 0;
  virtual void fail_with(const Error& error) = 0;
  virtual void answer() = 0;  // on the shard

  [[nodiscard]] const ClientPointer& client() const { return client_; }
  [[nodiscard]] std::size_t size_bytes() const { return size_bytes_; }

 private:
  ClientPointer client_;
  std::size_t size_bytes_;
};

template <class T, class Apply>
class TypedOperation final : public PendingOperation {
 public:
  TypedOperation(ClientPointer client, std::size_t size_bytes, Apply apply, Reply<T> reply)
      : PendingOperation(std::move(client), size_bytes), apply_(std::move(apply)), reply_(std::move(reply)) {}

  void run(ZnodeTree& tree, const ZnodeTree::WriteContext& context, Effects& effects) override {
    outcome_.emplace(apply_(tree, context, effects));
  }
  void fail_with(const Error& error) override { outcome_.emplace(tl::unexpected(error)); }
  void answer() override { reply_(std::move(*outcome_)); }

 private:
  Apply apply_;
  Reply<T> reply_;
  std::optional<Result<T>> outcome_;
};

struct OpenSession {
  ClientPointer client;
  std::optional<SessionIdentity> take_over;
};
struct CloseSession {
  ClientPointer client;
  Reply<void> reply;  // empty when the client is being destroyed
};
struct ExpireSession {
  SessionId session;
};
using OperationPointer = std::unique_ptr<PendingOperation>;
using Request = std::variant<OperationPointer, OpenSession, CloseSession, ExpireSession>;

// What reaches a client's shard, in order.
struct SessionNews {
  SessionEvent event;
  std::optional<SessionIdentity> identity;
};
using Delivery = std::variant<OperationPointer, WatchEvent, SessionNews, Job>;

}  // namespace millrace::metadata::embedded

namespace millrace::metadata {

class EmbeddedStore::Core {
 public:
  Core(std::shared_ptr<void> lock, std::unique_ptr<ZnodeDatabase> database, const Clock& clock, Random& random);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  ~Core() = default;

  // Loads the tree and removes the ephemeral znodes of the last process; blocks. Then start() may begin the thread.
  Status load();
  void start();
  // Finishes what is queued and joins. Later requests fail with unavailable.
  void stop();
  // Any thread.
  void submit(embedded::Request request);

 private:
  struct Session {
    SessionIdentity identity;
    embedded::ClientPointer client;
  };
  struct Mail {
    embedded::ClientPointer client;
    std::vector<embedded::Delivery> deliveries;
  };

  void run();
  void run_group(std::vector<embedded::OperationPointer> group);
  // Null when the operation ran; otherwise why its client may not ask.
  std::optional<Error> refusal(const embedded::ClientState& client) const;
  Status commit();
  void open_session(embedded::OpenSession request);
  void close_session(embedded::CloseSession request);
  void expire_session(SessionId session);
  // Removes the session, its watches and its ephemeral znodes, and tells their watchers.
  Status end_session(SessionId session);
  void publish(const ZnodeTree::Changes& changes);
  void deliver(const embedded::ClientPointer& client, embedded::Delivery delivery);
  void flush();
  ZnodeTree::WriteContext context_for(SessionId session) const;

  // Of the store's thread.
  std::shared_ptr<void> lock_;
  std::unique_ptr<ZnodeDatabase> database_;
  const Clock& clock_;
  Random& random_;
  ZnodeTree tree_;
  WatchTable watches_;
  std::map<SessionId, Session> sessions_;
  Zxid last_zxid_;
  std::optional<Error> broken_;  // a commit failed in a way that leaves the disk's content unknown
  std::vector<Mail> outbox_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<embedded::Request> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace millrace::metadata
