#include "test/operator/reconcile/scene.h"

#include <algorithm>

#include "operator/api/json_access.h"
#include "operator/resources/content_hash.h"

namespace millrace::reconcile {

using Json = nlohmann::json;
using api::json_at;
using api::text_at;

void RecordedEvents::record(const kubernetes::Regarding&, const kubernetes::EventDescription& event) {
  events.push_back(event);
}

bool RecordedEvents::has(const std::string& reason, const std::string& words) const {
  return std::any_of(events.begin(), events.end(), [&](const auto& event) {
    return event.reason == reason && event.note.find(words) != std::string::npos;
  });
}

std::size_t RecordedEvents::count(const std::string& reason) const {
  return static_cast<std::size_t>(
      std::count_if(events.begin(), events.end(), [&](const auto& event) { return event.reason == reason; }));
}

Scene::Scene(std::uint64_t seed) {
  api.put({kubernetes::storage_classes, "", "standard"},
          {{"metadata", {{"annotations", {{"storageclass.kubernetes.io/is-default-class", "true"}}}}}});
  api.put({kubernetes::storage_classes, "", "expandable"}, {{"allowVolumeExpansion", true}});
  set_node_ready("True");
  restart_operator(seed);
}

void Scene::set_node_ready(const std::string& status) {
  api.put({kubernetes::nodes, "", "node-1"},
          {{"status", {{"conditions", Json::array({{{"type", "Ready"}, {"status", status}}})}}}});
}

void Scene::restart_operator(std::uint64_t seed, const std::string& default_image) {
  random_ = std::make_unique<SeededRandom>(seed);
  ReconcilerSettings settings;
  settings.default_image = default_image;
  settings.refusal = [this] { return schema_refusal; };
  reconciler_ = std::make_unique<KafkaClusterReconciler>(api, events, clock, *random_, settings);
}

kubernetes::ObjectReference Scene::reference(const kubernetes::ResourceType& type, const std::string& name) const {
  return {type, "default", name};
}

void Scene::apply(const Json& spec) {
  auto cluster = reference(kafka_clusters, "demo");
  if (api.find(cluster)) {
    api.edit(cluster, {{"spec", spec}});
  } else {
    api.put(cluster, {{"metadata", {{"labels", {{"team", "payments"}}}, {"annotations", {{"tool", "gitops"}}}}},
                      {"spec", spec}});
  }
}

void Scene::patch_spec(const Json& patch) { api.edit(reference(kafka_clusters, "demo"), {{"spec", patch}}); }

void Scene::delete_cluster() { api.mark_deleted(reference(kafka_clusters, "demo")); }

ReconcileResult Scene::reconcile_once() { return reconciler_->reconcile({"default", "demo"}); }

bool Scene::settle(int rounds_max) {
  for (int round = 0; round < rounds_max; ++round) {
    auto writes = api.writes().size();
    auto result = reconcile_once();
    bool changed = run_controllers();
    clock.advance(std::chrono::seconds(1));
    if (!changed && !result.failed && api.writes().size() == writes) return true;
  }
  return false;
}

bool Scene::run_controllers() {
  bool changed = run_stateful_sets();
  changed = bind_claims() || changed;
  changed = run_kubelet() || changed;
  return api.collect_garbage() || changed;
}

bool Scene::run_stateful_sets() {
  bool changed = false;
  for (const auto& set : api.all(kubernetes::stateful_sets)) {
    auto name = api::object_name(set);
    auto revision = name + "-" + resources::content_hash(json_at(set, {"spec", "template"}).dump());
    Json status = {{"observedGeneration", json_at(set, {"metadata", "generation"})}, {"updateRevision", revision}};
    if (json_at(set, {"status"}) != status) {
      api.set_status(reference(kubernetes::stateful_sets, name), status);
      changed = true;
    }
    auto pod = reference(kubernetes::pods, name + "-0");
    auto there = api.find(pod);
    bool wanted = api::integer_at(set, {"spec", "replicas"}).value_or(1) > 0;
    if (wanted && !there) {
      Json made = json_at(set, {"spec", "template"});
      made["metadata"]["labels"]["controller-revision-hash"] = revision;
      made["metadata"]["ownerReferences"] =
          Json::array({{{"kind", "StatefulSet"}, {"name", name}, {"uid", api::object_uid(set)}}});
      api.put(pod, made);
      changed = true;
    } else if (!wanted && there) {
      api.erase(pod);
      changed = true;
    }
  }
  return changed;
}

bool Scene::bind_claims() {
  bool changed = false;
  for (const auto& claim : api.all(kubernetes::persistent_volume_claims)) {
    auto name = api::object_name(claim);
    auto claim_reference = reference(kubernetes::persistent_volume_claims, name);
    bool used = false;
    for (const auto& pod : api.all(kubernetes::pods)) {
      for (const auto& volume : json_at(pod, {"spec", "volumes"})) {
        used = used || text_at(volume, {"persistentVolumeClaim", "claimName"}) == name;
      }
    }
    // As the protection of claims in use does it.
    if (!used && api::is_being_deleted(claim)) {
      api.remove_finalizer(claim_reference, "kubernetes.io/pvc-protection");
      changed = true;
      continue;
    }
    if (json_at(claim, {"metadata", "finalizers"}).empty()) {
      api.add_finalizer(claim_reference, "kubernetes.io/pvc-protection");
      changed = true;
    }
    auto class_name = text_at(claim, {"spec", "storageClassName"});
    if (class_name.empty()) {
      api.edit(claim_reference, {{"spec", {{"storageClassName", "standard"}}}}, "admission");
      changed = true;
    }
    bool known = class_name.empty() || api.find({kubernetes::storage_classes, "", class_name}).has_value();
    auto size = text_at(claim, {"spec", "resources", "requests", "storage"});
    Json bound = {{"phase", "Bound"}, {"capacity", {{"storage", size}}}};
    if (used && known && json_at(claim, {"status"}) != bound) {
      api.edit(claim_reference, {{"spec", {{"volumeName", "pv-" + api::object_uid(claim)}}}}, "binder");
      api.set_status(claim_reference, bound);
      changed = true;
    }
  }
  return changed;
}

bool Scene::run_kubelet() {
  bool changed = false;
  for (const auto& pod : api.all(kubernetes::pods)) {
    auto pod_reference = reference(kubernetes::pods, api::object_name(pod));
    std::string missing;
    for (const auto& volume : json_at(pod, {"spec", "volumes"})) {
      auto claim = text_at(volume, {"persistentVolumeClaim", "claimName"});
      auto config = text_at(volume, {"configMap", "name"});
      if (!claim.empty() && !exists(kubernetes::persistent_volume_claims, claim))
        missing = "persistentvolumeclaim \"" + claim + "\" not found";
      if (!config.empty() && !exists(kubernetes::config_maps, config))
        missing = "configmap \"" + config + "\" not found";
    }
    // A pod that runs keeps what it has mounted.
    if (!text_at(pod, {"spec", "nodeName"}).empty()) missing.clear();
    Json status = {{"phase", "Running"}, {"conditions", Json::array({{{"type", "Ready"}, {"status", "True"}}})}};
    if (!missing.empty()) {
      status = {{"phase", "Pending"},
                {"conditions", Json::array({{{"type", "PodScheduled"}, {"status", "False"}, {"message", missing}}})}};
    }
    if (json_at(pod, {"status", "frozen"}) == Json(true) || json_at(pod, {"status"}) == status) continue;
    if (missing.empty()) api.edit(pod_reference, {{"spec", {{"nodeName", "node-1"}}}}, "scheduler");
    api.set_status(pod_reference, status);
    changed = true;
  }
  return changed;
}

Json Scene::get(const kubernetes::ResourceType& type, const std::string& name) const {
  return api.find(reference(type, name)).value_or(Json());
}

bool Scene::exists(const kubernetes::ResourceType& type, const std::string& name) const {
  return api.find(reference(type, name)).has_value();
}

Json Scene::status() const { return json_at(get(kafka_clusters, "demo"), {"status"}); }

Json Scene::condition(const std::string& type) const {
  for (const auto& condition : json_at(status(), {"conditions"})) {
    if (text_at(condition, {"type"}) == type) return condition;
  }
  return {};
}

std::string Scene::cluster_id() const { return text_at(status(), {"clusterId"}); }

bool Scene::is_ready() const { return text_at(condition("Ready"), {"status"}) == "True"; }

Json Scene::snapshot() const {
  Json all = Json::object();
  for (const auto& type : {kubernetes::persistent_volume_claims, kubernetes::config_maps, kubernetes::stateful_sets,
                           kubernetes::services, kubernetes::service_accounts, kubernetes::pod_disruption_budgets}) {
    for (auto object : api.all(type)) {
      for (const char* own : {"uid", "resourceVersion", "generation", "creationTimestamp"})
        object["metadata"].erase(own);
      if (object.contains("spec")) object["spec"].erase("volumeName");
      if (object["metadata"].contains("ownerReferences")) {
        for (auto& owner : object["metadata"]["ownerReferences"]) owner["uid"] = "";
      }
      object.erase("status");
      auto name = std::string(type.kind) + "/" + api::object_name(object);
      all[name] = std::move(object);
    }
  }
  return all;
}

}  // namespace millrace::reconcile
