// An API server in memory, with what informers, elections and recorders depend on: resource versions, conditional writes, merge
// patches, watches that resume, and failures on demand. No selectors: everything of a type matches. Any thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "operator/kubernetes/api.h"

namespace millrace::kubernetes {

class MemoryApi final : public KubernetesApi {
 public:
  // Before a call is carried out: an Error is its answer instead. The verb is get, list, watch, create, apply, patch …
  using Interceptor = std::function<Status(const std::string& verb, const std::string& detail)>;

  void intercept(Interceptor interceptor);
  // Every watch under way ends with this; a success is the server's time-out.
  void end_watches(Status outcome);
  // From now on watches end as soon as they have begun.
  void end_every_watch_at_once();
  // Forgets the events so far: watches from before get session_expired.
  void compact();
  // Sends a bookmark to every watch.
  void bookmark();

  [[nodiscard]] std::vector<std::string> calls() const;
  [[nodiscard]] bool wait_for_calls(const std::string& call, std::size_t count) const;
  // Until a watch is under way, so that end_watches() meets it.
  [[nodiscard]] bool wait_for_watcher() const;
  [[nodiscard]] std::string version() const;

  void put(const ObjectReference& reference, Json object);
  void erase(const ObjectReference& reference);

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

 private:
  struct Event {
    std::uint64_t version;
    WatchEventType type;
    std::string plural;
    Json object;
  };

  Status begin(const std::string& verb, const std::string& detail);
  Json store(const ObjectReference& reference, Json object);
  void emit(WatchEventType type, const ResourceType& resource, const Json& object);

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Interceptor interceptor_;
  std::vector<std::string> calls_;
  std::map<std::pair<std::string, ObjectKey>, Json> objects_;
  std::vector<Event> events_;
  std::uint64_t version_ = 100;
  std::uint64_t compacted_ = 0;
  std::uint64_t watch_generation_ = 0;
  Status watch_outcome_;
  int watcher_count_ = 0;
  bool watches_end_at_once_ = false;
};

}  // namespace millrace::kubernetes
