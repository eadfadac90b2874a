// The tree of znodes and what each operation does to it: ZooKeeper's semantics without disk, threads, sessions' liveness or clock,
// so that the embedded store and a simulator share them. Owned by one thread.
//
// Every write is journaled: until forget_journal() the tree can be taken back to a mark, which is how a multi is all or
// nothing and how a group of writes is undone when the disk refuses it.
// Source: org.apache.zookeeper.server.DataTree, PrepRequestProcessor (order of the checks), DataNode.copyStat.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "broker/metadata/metadata_store.h"

namespace millrace::metadata {

class ZnodeTree {
 public:
  struct Node {
    std::string data;
    // cversion is not kept: it is twice the creations minus the children that are there. data_length_bytes comes from data.
    Stat stat;
    // How many children were ever created: the next sequential child's number.
    std::int32_t children_created = 0;
  };
  using Nodes = std::map<std::string, Node, std::less<>>;

  // Who writes, when. Operations that share a context share their zxid.
  struct WriteContext {
    Zxid zxid;
    TimestampMs time;
    SessionId session;
  };
  // What watches may fire for, in order. `deleted` concerns data and child watches of the path.
  using Changes = std::vector<WatchEvent>;

  ZnodeTree();  // the root alone

  [[nodiscard]] Result<Znode> get(std::string_view path) const;
  [[nodiscard]] Result<std::optional<Stat>> exists(std::string_view path) const;
  [[nodiscard]] Result<Children> children(std::string_view path) const;

  // Errors as in metadata_store.h. A failed write changes nothing and adds nothing to `changes`.
  Result<Created> create(const CreateOperation& operation, const WriteContext& context, Changes& changes);
  Result<Stat> set(const SetOperation& operation, const WriteContext& context, Changes& changes);
  Status remove(const RemoveOperation& operation, const WriteContext& context, Changes& changes);
  [[nodiscard]] Status check(const CheckOperation& operation) const;
  Result<MultiResult> multi(const std::vector<Operation>& operations, const WriteContext& context, Changes& changes);

  // Removes the session's ephemeral znodes, by path.
  void end_session(const WriteContext& context, Changes& changes);
  // The owners of ephemeral znodes.
  [[nodiscard]] std::vector<SessionId> sessions() const;

  using Mark = std::size_t;
  [[nodiscard]] Mark mark() const { return journal_.size(); }
  void undo_to(Mark mark);
  void forget_journal() { journal_.clear(); }
  // Every path that was touched since the journal was forgotten, with its node as it is now; null when it is gone.
  void for_each_touched(const std::function<void(const std::string& path, const Node* node)>& visit) const;

  // Puts a node as it was stored; parents come before their children. Fails with corrupt when the parent is missing.
  Status restore(std::string path, Node node);
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }

 private:
  struct Touched {
    std::string path;
    std::optional<Node> before;
  };

  [[nodiscard]] Result<const Node*> find(std::string_view path) const;
  Result<OperationResult> apply(const Operation& operation, const WriteContext& context, Changes& changes);
  Node& touch(Nodes::iterator at);
  void insert(std::string path, Node node);
  void erase(Nodes::iterator at);
  void index_ephemeral(const std::string& path, const Node& node);
  void unindex_ephemeral(const std::string& path, const Node& node);

  Nodes nodes_;
  std::map<SessionId, std::set<std::string>> ephemerals_;
  std::vector<Touched> journal_;
};

}  // namespace millrace::metadata
