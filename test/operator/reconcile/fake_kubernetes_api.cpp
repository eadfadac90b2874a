#include "test/operator/reconcile/fake_kubernetes_api.h"

#include <algorithm>

#include "operator/api/json_access.h"
#include "operator/api/quantity.h"
#include "test/operator/reconcile/field_set.h"

namespace millrace::kubernetes {
namespace {

using api::json_at;
using api::text_at;

Error not_found(const ObjectReference& reference) { return {ErrorKind::not_found, reference.text() + " is not there"}; }

bool matches(const Json& object, const std::string& selector) {
  if (selector.empty()) return true;
  auto equals = selector.find('=');
  return api::label(object, selector.substr(0, equals)) == selector.substr(equals + 1);
}

// What the API server's own validation says about a change of these kinds.
Status validate_change(const ResourceType& type, const Json& before, const Json& after) {
  auto same = [&](api::JsonPath path) { return json_at(before, path) == json_at(after, path); };
  if (type == stateful_sets &&
      !(same({"spec", "selector"}) && same({"spec", "serviceName"}) && same({"spec", "podManagementPolicy"}))) {
    return fail(ErrorKind::invalid_argument,
                "StatefulSet: updates to statefulset spec for fields other than 'replicas' … are forbidden");
  }
  if (type == config_maps && json_at(before, {"immutable"}) == Json(true) && !same({"data"})) {
    return fail(ErrorKind::invalid_argument, "ConfigMap: data: field is immutable when `immutable` is set");
  }
  if (type != persistent_volume_claims) return {};
  if (!same({"spec", "accessModes"}))
    return fail(ErrorKind::invalid_argument, "PersistentVolumeClaim: spec is immutable");
  auto size = [](const Json& claim) {
    return api::Quantity::parse(text_at(claim, {"spec", "resources", "requests", "storage"})).value_or(api::Quantity{});
  };
  if (size(after) < size(before)) {
    return fail(ErrorKind::invalid_argument, "PersistentVolumeClaim: field can not be less than previous value");
  }
  return {};
}

Json without_status_and_metadata(Json object) {
  object.erase("status");
  object.erase("metadata");
  return object;
}

}  // namespace

FakeKubernetesApi::Key FakeKubernetesApi::key_of(const ObjectReference& reference) {
  return {std::string(reference.type.plural), reference.namespace_name, reference.name};
}

FakeKubernetesApi::Stored* FakeKubernetesApi::lookup(const ObjectReference& reference) {
  auto found = objects_.find(key_of(reference));
  return found == objects_.end() ? nullptr : &found->second;
}

Status FakeKubernetesApi::refuse(const Write& write) {
  if (before_write) {
    if (auto error = before_write(write)) return tl::unexpected(*error);
  }
  return {};
}

template <class T>
Result<T> FakeKubernetesApi::answer(const Write& write, Result<T> result) {
  if (!result) return result;
  writes_.push_back(write.text());
  if (after_write) {
    if (auto error = after_write(write)) return tl::unexpected(*error);
  }
  return result;
}

Json& FakeKubernetesApi::store(const ObjectReference& reference, Json object, const std::string& manager) {
  object["apiVersion"] = reference.type.api_version();
  object["kind"] = reference.type.kind;
  Json& metadata = object["metadata"];
  metadata["name"] = reference.name;
  if (!reference.namespace_name.empty()) metadata["namespace"] = reference.namespace_name;
  metadata["uid"] = "uid-" + std::to_string(next_uid_++);
  metadata["resourceVersion"] = std::to_string(next_version_++);
  metadata["generation"] = 1;
  metadata["creationTimestamp"] = "2026-01-01T00:00:00Z";
  Stored stored{reference.type, std::move(object), {}};
  stored.managers[manager] = fields_of(stored.object);
  return objects_.insert_or_assign(key_of(reference), std::move(stored)).first->second.object;
}

Result<Json> FakeKubernetesApi::commit(const ObjectReference& reference, Json object, const std::string& subresource) {
  Stored& stored = *lookup(reference);
  if (subresource == "status") {
    Json kept = stored.object;
    kept["status"] = object.value("status", Json::object());
    object = std::move(kept);
  } else {
    if (stored.object.contains("status")) object["status"] = stored.object["status"];
    if (auto valid = validate_change(reference.type, stored.object, object); !valid)
      return tl::unexpected(valid.error());
  }
  for (const char* kept : {"uid", "creationTimestamp", "generation", "resourceVersion", "deletionTimestamp"}) {
    object["metadata"].erase(kept);
    if (stored.object["metadata"].contains(kept)) object["metadata"][kept] = stored.object["metadata"][kept];
  }
  if (object == stored.object) return stored.object;
  if (without_status_and_metadata(object) != without_status_and_metadata(stored.object)) {
    object["metadata"]["generation"] = stored.object["metadata"]["generation"].get<std::int64_t>() + 1;
  }
  object["metadata"]["resourceVersion"] = std::to_string(next_version_++);
  stored.object = std::move(object);
  return stored.object;
}

Status FakeKubernetesApi::check_preconditions(const Json& live, const Json& metadata,
                                              const ObjectReference& reference) const {
  for (const char* name : {"uid", "resourceVersion"}) {
    auto wanted = text_at(metadata, {name});
    if (!wanted.empty() && wanted != text_at(live, {"metadata", name})) {
      return fail(ErrorKind::version_mismatch, reference.text() + " has another " + name + " than the precondition");
    }
  }
  return {};
}

Result<Json> FakeKubernetesApi::get(const ObjectReference& reference, const CallOptions&) {
  if (before_read) {
    if (auto error = before_read(reference)) return tl::unexpected(*error);
  }
  const Stored* stored = lookup(reference);
  if (stored == nullptr) return tl::unexpected(not_found(reference));
  return stored->object;
}

Result<std::string> FakeKubernetesApi::list(const ResourceType& type, const ListOptions& options,
                                            const ItemHandler& each) {
  if (before_read) {
    if (auto error = before_read({type, options.namespace_name, ""})) return tl::unexpected(*error);
  }
  for (const auto& [key, stored] : objects_) {
    bool here = options.namespace_name.empty() || std::get<1>(key) == options.namespace_name;
    if (stored.type == type && here && matches(stored.object, options.label_selector)) each(Json(stored.object));
  }
  return std::to_string(next_version_);
}

Status FakeKubernetesApi::watch(const ResourceType&, const WatchOptions&, const WatchHandler&, std::stop_token) {
  return fail(ErrorKind::unsupported, "the fake has no watches");
}

Result<Json> FakeKubernetesApi::apply(const ObjectReference& reference, const Json& object,
                                      const ApplyOptions& options) {
  Write write{"apply", reference};
  if (auto refused = refuse(write); !refused) return tl::unexpected(refused.error());
  auto fields = fields_of(object);
  Stored* stored = lookup(reference);
  if (stored == nullptr) return answer<Json>(write, store(reference, object, options.field_manager));
  Json merged = stored->object;
  for (auto& [manager, owned] : stored->managers) {
    if (manager == options.field_manager) continue;
    for (const auto& path : fields) {
      const Json* live = value_at(merged, path);
      if (!owned.contains(path) || (live != nullptr && *live == *value_at(object, path))) continue;
      if (!options.force) {
        return fail(ErrorKind::conflict, reference.text() + ": conflict with \"" + manager + "\" over a field");
      }
      owned.erase(path);
    }
  }
  for (const auto& path : stored->managers[options.field_manager]) {
    bool shared = std::any_of(stored->managers.begin(), stored->managers.end(), [&](const auto& other) {
      return other.first != options.field_manager && other.second.contains(path);
    });
    if (!fields.contains(path) && !shared) remove_value(merged, path);
  }
  for (const auto& path : fields) set_value(merged, path, *value_at(object, path));
  auto before = text_at(stored->object, {"metadata", "resourceVersion"});
  auto committed = commit(reference, std::move(merged), options.subresource);
  if (!committed) return committed;
  lookup(reference)->managers[options.field_manager] = std::move(fields);
  return answer<Json>(write, std::move(committed));
}

Result<Json> FakeKubernetesApi::create(const ObjectReference& reference, const Json& object, const WriteOptions&) {
  Write write{"create", reference};
  if (auto refused = refuse(write); !refused) return tl::unexpected(refused.error());
  if (lookup(reference) != nullptr) return fail(ErrorKind::already_exists, reference.text() + " is there already");
  return answer<Json>(write, store(reference, object, "update"));
}

Result<Json> FakeKubernetesApi::replace(const ObjectReference& reference, const Json& object,
                                        const WriteOptions& options) {
  Write write{"replace", reference};
  if (auto refused = refuse(write); !refused) return tl::unexpected(refused.error());
  Stored* stored = lookup(reference);
  if (stored == nullptr) return tl::unexpected(not_found(reference));
  auto checked = check_preconditions(stored->object, object.at("metadata"), reference);
  if (!checked) return tl::unexpected(checked.error());
  return answer<Json>(write, commit(reference, object, options.subresource));
}

Result<Json> FakeKubernetesApi::merge_patch(const ObjectReference& reference, const Json& patch,
                                            const WriteOptions& options) {
  Write write{"patch", reference};
  if (auto refused = refuse(write); !refused) return tl::unexpected(refused.error());
  Stored* stored = lookup(reference);
  if (stored == nullptr) return tl::unexpected(not_found(reference));
  auto checked = check_preconditions(stored->object, patch.value("metadata", Json::object()), reference);
  if (!checked) return tl::unexpected(checked.error());
  Json merged = stored->object;
  merged.merge_patch(patch);
  return answer<Json>(write, commit(reference, std::move(merged), options.subresource));
}

Status FakeKubernetesApi::remove(const ObjectReference& reference, const RemoveOptions& options) {
  Write write{"remove", reference};
  if (auto refused = refuse(write); !refused) return refused;
  Stored* stored = lookup(reference);
  if (stored == nullptr) return tl::unexpected(not_found(reference));
  Json wanted = {{"uid", options.uid}, {"resourceVersion", options.resource_version}};
  if (auto checked = check_preconditions(stored->object, wanted, reference); !checked) return checked;
  mark_deleted(reference);
  auto answered = answer<bool>(write, true);
  if (!answered) return tl::unexpected(answered.error());
  return {};
}

Result<Json> FakeKubernetesApi::get_path(std::string_view path, const CallOptions&) {
  return fail(ErrorKind::not_found, std::string(path));
}

std::optional<Json> FakeKubernetesApi::find(const ObjectReference& reference) const {
  auto found = objects_.find(key_of(reference));
  if (found == objects_.end()) return std::nullopt;
  return found->second.object;
}

std::vector<Json> FakeKubernetesApi::all(const ResourceType& type) const {
  std::vector<Json> found;
  for (const auto& [key, stored] : objects_) {
    if (stored.type == type) found.push_back(stored.object);
  }
  return found;
}

void FakeKubernetesApi::put(const ObjectReference& reference, Json object) {
  store(reference, std::move(object), "kubectl");
}

void FakeKubernetesApi::edit(const ObjectReference& reference, const Json& patch, const std::string& manager) {
  Json merged = lookup(reference)->object;
  merged.merge_patch(patch);
  auto committed = commit(reference, std::move(merged), "");
  if (committed) {
    auto fields = fields_of(patch);
    lookup(reference)->managers[manager].insert(fields.begin(), fields.end());
  }
}

void FakeKubernetesApi::set_status(const ObjectReference& reference, const Json& status) {
  Json object = lookup(reference)->object;
  object["status"] = status;
  (void)commit(reference, std::move(object), "status");
}

void FakeKubernetesApi::erase(const ObjectReference& reference) { objects_.erase(key_of(reference)); }

void FakeKubernetesApi::mark_deleted(const ObjectReference& reference) {
  Stored* stored = lookup(reference);
  if (stored == nullptr) return;
  if (json_at(stored->object, {"metadata", "finalizers"}).empty()) {
    erase(reference);
    return;
  }
  if (api::is_being_deleted(stored->object)) return;
  stored->object["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:01Z";
  stored->object["metadata"]["resourceVersion"] = std::to_string(next_version_++);
}

void FakeKubernetesApi::add_finalizer(const ObjectReference& reference, const std::string& finalizer) {
  lookup(reference)->object["metadata"]["finalizers"].push_back(finalizer);
}

void FakeKubernetesApi::remove_finalizer(const ObjectReference& reference, const std::string& finalizer) {
  Stored* stored = lookup(reference);
  if (stored == nullptr || !stored->object["metadata"].contains("finalizers")) return;
  Json kept = Json::array();
  for (const auto& each : stored->object["metadata"]["finalizers"]) {
    if (each != finalizer) kept.push_back(each);
  }
  stored->object["metadata"]["finalizers"] = kept;
  if (kept.empty() && api::is_being_deleted(stored->object)) erase(reference);
}

bool FakeKubernetesApi::collect_garbage() {
  std::set<std::string> alive;
  for (const auto& [key, stored] : objects_) alive.insert(api::object_uid(stored.object));
  bool changed = false;
  std::vector<ObjectReference> orphans;
  for (auto& [key, stored] : objects_) {
    const Json owners = json_at(stored.object, {"metadata", "ownerReferences"});
    if (owners.empty()) continue;
    Json kept = Json::array();
    for (const auto& owner : owners) {
      if (alive.contains(text_at(owner, {"uid"}))) kept.push_back(owner);
    }
    if (kept.empty()) {
      if (!api::is_being_deleted(stored.object)) orphans.push_back({stored.type, std::get<1>(key), std::get<2>(key)});
    } else if (kept.size() != owners.size()) {
      stored.object["metadata"]["ownerReferences"] = kept;
      stored.object["metadata"]["resourceVersion"] = std::to_string(next_version_++);
      changed = true;
    }
  }
  for (const auto& orphan : orphans) mark_deleted(orphan);
  return changed || !orphans.empty();
}

}  // namespace millrace::kubernetes
