// A local copy of one collection, kept current by list + watch, and the news of what changed. Objects are projected to
// a typed value on receipt and their JSON is dropped, because a cache of JSON trees is what makes operators large.
//
//   Informer<Pod> pods(api, clock, random, {.type = kubernetes::pods, .label_selector = "app=a"}, &project_pod);
//   pods.on_change([&](Change change, const ObjectKey& key, const Pod* before, const Pod* after) { queue.add(...); });
//   pods.start();  pods.wait_until_synced(10s);  pods.get({"default", "a-0"});
//
// The copy is behind the API server by the time of the watch: what must be certain (before anything is destroyed) is
// read from the API. Handlers and the projection run on the informer's one thread, never under its lock; they must not
// block. A projection may throw nlohmann's exceptions or return null: the object is then left out, with a log line.
// on_change before start(); the rest from any thread. stop() joins within a second, also when the watch is quiet.
//
// Source: client-go's reflector: list with resource version 0, watch with bookmarks and a random time-out of 5 to 10
// minutes, resume from the last version seen; on 410 or "too large resource version" list again with an empty version.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "broker/base/clock.h"
#include "operator/kubernetes/object_reference.h"
#include "operator/kubernetes/resource_type.h"

namespace millrace {
class Random;
}

namespace millrace::kubernetes {

class KubernetesApi;

enum class Change : std::uint8_t { added, updated, removed };

struct InformerOptions {
  ResourceType type{};
  std::string namespace_name{};  // empty: all namespaces
  std::string label_selector{};
  std::string field_selector{};
  Duration backoff_min = std::chrono::milliseconds(800);
  Duration backoff_max = std::chrono::seconds(30);
};

// The part that does not know the value's type.
class InformerCore {
 public:
  using Value = std::shared_ptr<const void>;
  using Projection = std::function<Value(const nlohmann::json&)>;
  using Handler = std::function<void(Change, const ObjectKey&, const void* before, const void* after)>;
  using Visitor = std::function<void(const ObjectKey&, const Value&)>;

  InformerCore(KubernetesApi& api, const Clock& clock, Random& random, InformerOptions options, Projection projection);
  InformerCore(const InformerCore&) = delete;
  InformerCore& operator=(const InformerCore&) = delete;
  ~InformerCore();

  void on_change(Handler handler);
  void start();
  void stop();
  [[nodiscard]] bool has_synced() const;
  bool wait_until_synced(Duration timeout) const;
  [[nodiscard]] Value get(const ObjectKey& key) const;
  void visit(const Visitor& visitor) const;
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::string last_error() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

template <class T>
class Informer {
 public:
  using Pointer = std::shared_ptr<const T>;
  using Projection = std::function<Pointer(const nlohmann::json&)>;
  // before is null for added, after is null for removed.
  using Handler = std::function<void(Change, const ObjectKey&, const T* before, const T* after)>;

  // `random` is used on the informer's thread only.
  Informer(KubernetesApi& api, const Clock& clock, Random& random, InformerOptions options, Projection projection)
      : core_(api, clock, random, std::move(options), std::move(projection)) {}

  void on_change(Handler handler) {
    core_.on_change(
        [handler = std::move(handler)](Change change, const ObjectKey& key, const void* before, const void* after) {
          handler(change, key, static_cast<const T*>(before), static_cast<const T*>(after));
        });
  }
  void start() { core_.start(); }
  void stop() { core_.stop(); }

  // True once the first list has been taken in and its handlers have run.
  [[nodiscard]] bool has_synced() const { return core_.has_synced(); }
  // False when the time is over or stop() was called first.
  bool wait_until_synced(Duration timeout) const { return core_.wait_until_synced(timeout); }

  [[nodiscard]] Pointer get(const ObjectKey& key) const { return std::static_pointer_cast<const T>(core_.get(key)); }
  // A consistent snapshot, in the order of the keys.
  [[nodiscard]] std::vector<std::pair<ObjectKey, Pointer>> list() const {
    std::vector<std::pair<ObjectKey, Pointer>> all;
    core_.visit([&all](const ObjectKey& key, const InformerCore::Value& value) {
      all.emplace_back(key, std::static_pointer_cast<const T>(value));
    });
    return all;
  }
  [[nodiscard]] std::size_t size() const { return core_.size(); }
  // Why the copy is not being kept current right now; empty when it is.
  [[nodiscard]] std::string last_error() const { return core_.last_error(); }

 private:
  InformerCore core_;
};

}  // namespace millrace::kubernetes
