#include "operator/reconcile/watched_object.h"

#include <functional>
#include <nlohmann/json.hpp>

#include "operator/api/json_access.h"
#include "operator/resources/labels.h"
#include "operator/status/condition.h"
#include "operator/status/kafka_cluster_status.h"

namespace millrace::reconcile {

using Json = nlohmann::json;

bool is_no_news(const WatchedCluster& before, const WatchedCluster& after) {
  return before.uid == after.uid && before.generation == after.generation && before.deleting == after.deleting;
}

std::shared_ptr<const WatchedCluster> watch_cluster(const Json& object) {
  auto watched = std::make_shared<WatchedCluster>();
  watched->uid = api::object_uid(object);
  watched->generation = api::integer_at(object, {"metadata", "generation"}).value_or(0);
  watched->deleting = api::is_being_deleted(object);
  auto conditions = status::parse_conditions(api::json_at(object, {"status"}));
  const auto* ready = status::find_condition(conditions, status::ready_type);
  watched->ready = ready != nullptr && ready->status == status::ConditionStatus::is_true;
  return watched;
}

std::shared_ptr<const WatchedChild> watch_child(const Json& object) {
  auto watched = std::make_shared<WatchedChild>();
  watched->cluster = api::label(object, resources::cluster_label);
  Json relevant = object;
  if (auto metadata = relevant.find("metadata"); metadata != relevant.end() && metadata->is_object()) {
    metadata->erase("managedFields");
    metadata->erase("resourceVersion");
  }
  watched->fingerprint = std::hash<std::string>{}(relevant.dump());
  return watched;
}

}  // namespace millrace::reconcile
