// An API server in memory, with what reconcilers rely on: uid, resourceVersion, generation, optimistic concurrency, server-side
// apply with field managers and conflicts, immutable fields, finalizers, owner references. One thread.
//
// What it does not have: schemas and defaults, watches, authorization.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <nlohmann/json.hpp>

#include "operator/kubernetes/api.h"

namespace millrace::kubernetes {

class FakeKubernetesApi final : public KubernetesApi {
 public:
  using Key = std::tuple<std::string, std::string, std::string>;  // plural, namespace, name

  // One request that changes something: "apply Service default/demo-bootstrap".
  struct Write {
    std::string verb;
    ObjectReference reference;
    [[nodiscard]] std::string text() const { return verb + " " + reference.text(); }
  };
  // Called before every write. An error is answered in its place.
  std::function<std::optional<Error>(const Write&)> before_write;
  // Called after every write that succeeded. An error is answered although the write has happened.
  std::function<std::optional<Error>(const Write&)> after_write;
  // Called before every read.
  std::function<std::optional<Error>(const ObjectReference&)> before_read;

  [[nodiscard]] const std::vector<std::string>& writes() const { return writes_; }
  void forget_writes() { writes_.clear(); }

  Result<Json> get(const ObjectReference& reference, const CallOptions& options) override;
  Result<std::string> list(const ResourceType& type, const ListOptions& options, const ItemHandler& each) override;
  Status watch(const ResourceType& type, const WatchOptions& options, const WatchHandler& each,
               std::stop_token stop) override;
  Result<Json> apply(const ObjectReference& reference, const Json& object, const ApplyOptions& options) override;
  Result<Json> create(const ObjectReference& reference, const Json& object, const WriteOptions& options) override;
  Result<Json> replace(const ObjectReference& reference, const Json& object, const WriteOptions& options) override;
  Result<Json> merge_patch(const ObjectReference& reference, const Json& patch, const WriteOptions& options) override;
  Status remove(const ObjectReference& reference, const RemoveOptions& options) override;
  Result<Json> get_path(std::string_view path, const CallOptions& options) override;

  // For tests and for the controllers that they play: no hooks, not among writes().
  [[nodiscard]] std::optional<Json> find(const ObjectReference& reference) const;
  [[nodiscard]] std::vector<Json> all(const ResourceType& type) const;
  void put(const ObjectReference& reference, Json object);
  // What `manager` does by a merge patch; it owns those fields from then on.
  void edit(const ObjectReference& reference, const Json& patch, const std::string& manager = "kubectl");
  void set_status(const ObjectReference& reference, const Json& status);
  void erase(const ObjectReference& reference);
  // Like kubectl delete: respects finalizers.
  void mark_deleted(const ObjectReference& reference);
  void add_finalizer(const ObjectReference& reference, const std::string& finalizer);
  void remove_finalizer(const ObjectReference& reference, const std::string& finalizer);
  // Removes what is owned only by what is no more, as the garbage collector does. True when something changed.
  bool collect_garbage();

 private:
  struct Stored {
    ResourceType type;
    Json object;
    std::map<std::string, std::set<std::string>> managers;  // the fields that each one owns
  };

  static Key key_of(const ObjectReference& reference);
  Stored* lookup(const ObjectReference& reference);
  Json& store(const ObjectReference& reference, Json object, const std::string& manager);
  Result<Json> commit(const ObjectReference& reference, Json object, const std::string& subresource);
  Status check_preconditions(const Json& live, const Json& metadata, const ObjectReference& reference) const;
  Status refuse(const Write& write);
  template <class T>
  Result<T> answer(const Write& write, Result<T> result);

  std::map<Key, Stored> objects_;
  std::vector<std::string> writes_;
  std::int64_t next_version_ = 100;
  std::int64_t next_uid_ = 1;
};

}  // namespace millrace::kubernetes
