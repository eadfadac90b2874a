#include "test/operator/kubernetes/memory_api.h"

namespace millrace::kubernetes {

void MemoryApi::intercept(Interceptor interceptor) {
  std::lock_guard lock(mutex_);
  interceptor_ = std::move(interceptor);
}

void MemoryApi::end_watches(Status outcome) {
  std::lock_guard lock(mutex_);
  ++watch_generation_;
  watch_outcome_ = std::move(outcome);
  changed_.notify_all();
}

void MemoryApi::end_every_watch_at_once() {
  std::lock_guard lock(mutex_);
  watches_end_at_once_ = true;
}

void MemoryApi::compact() {
  std::lock_guard lock(mutex_);
  compacted_ = version_;
  events_.clear();
}

void MemoryApi::bookmark() {
  std::lock_guard lock(mutex_);
  ++version_;
  events_.push_back(
      {version_, WatchEventType::bookmark, "", Json{{"metadata", {{"resourceVersion", std::to_string(version_)}}}}});
  changed_.notify_all();
}

std::vector<std::string> MemoryApi::calls() const {
  std::lock_guard lock(mutex_);
  return calls_;
}

bool MemoryApi::wait_for_calls(const std::string& call, std::size_t count) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(20), [&] {
    std::size_t found = 0;
    for (const auto& made : calls_) found += made.starts_with(call) ? 1 : 0;
    return found >= count;
  });
}

bool MemoryApi::wait_for_watcher() const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return watcher_count_ > 0; });
}

std::string MemoryApi::version() const {
  std::lock_guard lock(mutex_);
  return std::to_string(version_);
}

void MemoryApi::put(const ObjectReference& reference, Json object) {
  std::lock_guard lock(mutex_);
  store(reference, std::move(object));
}

void MemoryApi::erase(const ObjectReference& reference) {
  std::lock_guard lock(mutex_);
  auto found = objects_.find({std::string(reference.type.plural), reference.key()});
  if (found == objects_.end()) return;
  Json object = std::move(found->second);
  objects_.erase(found);
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  emit(WatchEventType::deleted, reference.type, object);
}

Status MemoryApi::begin(const std::string& verb, const std::string& detail) {
  Interceptor interceptor;
  {
    std::lock_guard lock(mutex_);
    calls_.push_back(detail.empty() ? verb : verb + " " + detail);
    interceptor = interceptor_;
    changed_.notify_all();
  }
  return interceptor ? interceptor(verb, detail) : Status();
}

Json MemoryApi::store(const ObjectReference& reference, Json object) {
  auto place = std::pair{std::string(reference.type.plural), reference.key()};
  bool is_new = !objects_.contains(place);
  Json& metadata = object["metadata"];
  metadata["name"] = reference.name;
  if (!reference.namespace_name.empty()) metadata["namespace"] = reference.namespace_name;
  metadata["resourceVersion"] = std::to_string(++version_);
  objects_[place] = object;
  emit(is_new ? WatchEventType::added : WatchEventType::modified, reference.type, object);
  return object;
}

void MemoryApi::emit(WatchEventType type, const ResourceType& resource, const Json& object) {
  events_.push_back({version_, type, std::string(resource.plural), object});
  changed_.notify_all();
}

Result<Json> MemoryApi::get(const ObjectReference& reference, const CallOptions&) {
  if (Status begun = begin("get", reference.name); !begun) return tl::unexpected<Error>(begun.error());
  std::lock_guard lock(mutex_);
  auto found = objects_.find({std::string(reference.type.plural), reference.key()});
  if (found == objects_.end()) return fail(ErrorKind::not_found, reference.text() + " not found");
  return found->second;
}

Result<std::string> MemoryApi::list(const ResourceType& type, const ListOptions& options, const ItemHandler& each) {
  if (Status begun = begin("list", options.resource_version); !begun) return tl::unexpected<Error>(begun.error());
  std::lock_guard lock(mutex_);
  for (const auto& [place, object] : objects_) {
    if (place.first == type.plural) each(Json(object));
  }
  return std::to_string(version_);
}

Status MemoryApi::watch(const ResourceType& type, const WatchOptions& options, const WatchHandler& each,
                        std::stop_token stop) {
  if (Status begun = begin("watch", options.resource_version); !begun) return begun;
  std::stop_callback wake(stop, [this] {
    std::lock_guard lock(mutex_);
    changed_.notify_all();
  });
  std::uint64_t seen = std::stoull(options.resource_version);
  std::unique_lock lock(mutex_);
  if (seen < compacted_) return fail(ErrorKind::session_expired, "too old resource version");
  if (watches_end_at_once_) return {};
  std::uint64_t generation = watch_generation_;
  ++watcher_count_;
  changed_.notify_all();
  while (true) {
    std::deque<Event> due;
    for (const Event& event : events_) {
      if (event.version > seen && (event.plural.empty() || event.plural == type.plural)) due.push_back(event);
    }
    if (!due.empty()) {
      seen = due.back().version;
      lock.unlock();
      for (Event& event : due) each(event.type, std::move(event.object));
      lock.lock();
      continue;
    }
    if (stop.stop_requested() || generation != watch_generation_) {
      --watcher_count_;
      if (stop.stop_requested()) return fail(ErrorKind::cancelled, "stopped");
      return watch_outcome_;
    }
    changed_.wait(lock);
  }
}

Result<Json> MemoryApi::apply(const ObjectReference& reference, const Json& object, const ApplyOptions&) {
  if (Status begun = begin("apply", reference.name); !begun) return tl::unexpected<Error>(begun.error());
  std::lock_guard lock(mutex_);
  return store(reference, object);
}

Result<Json> MemoryApi::create(const ObjectReference& reference, const Json& object, const WriteOptions&) {
  if (Status begun = begin("create", reference.name); !begun) return tl::unexpected<Error>(begun.error());
  std::lock_guard lock(mutex_);
  if (objects_.contains({std::string(reference.type.plural), reference.key()})) {
    return fail(ErrorKind::already_exists, reference.text() + " already exists");
  }
  return store(reference, object);
}

Result<Json> MemoryApi::replace(const ObjectReference& reference, const Json& object, const WriteOptions&) {
  if (Status begun = begin("replace", reference.name); !begun) return tl::unexpected<Error>(begun.error());
  std::lock_guard lock(mutex_);
  return store(reference, object);
}

Result<Json> MemoryApi::merge_patch(const ObjectReference& reference, const Json& patch, const WriteOptions&) {
  if (Status begun = begin("patch", reference.name); !begun) return tl::unexpected<Error>(begun.error());
  std::lock_guard lock(mutex_);
  auto found = objects_.find({std::string(reference.type.plural), reference.key()});
  if (found == objects_.end()) return fail(ErrorKind::not_found, reference.text() + " not found");
  auto metadata = patch.find("metadata");
  if (metadata != patch.end() && metadata->contains("resourceVersion") &&
      (*metadata)["resourceVersion"] != found->second["metadata"]["resourceVersion"]) {
    return fail(ErrorKind::version_mismatch, "the object has been modified");
  }
  Json merged = found->second;
  merged.merge_patch(patch);
  return store(reference, std::move(merged));
}

Status MemoryApi::remove(const ObjectReference& reference, const RemoveOptions&) {
  if (Status begun = begin("remove", reference.name); !begun) return begun;
  erase(reference);
  return {};
}

Result<Json> MemoryApi::get_path(std::string_view path, const CallOptions&) {
  return fail(ErrorKind::not_found, std::string(path));
}

}  // namespace millrace::kubernetes
