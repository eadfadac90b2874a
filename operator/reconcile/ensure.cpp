#include "operator/reconcile/ensure.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "broker/base/logging.h"
#include "operator/api/json_access.h"
#include "operator/reconcile/difference.h"
#include "operator/resources/content_hash.h"
#include "operator/resources/labels.h"

namespace millrace::reconcile {

using Json = nlohmann::json;

namespace {

constexpr Logger logger{"reconcile"};

// A StatefulSet's template has a hash of its own, and is written only at its broker's turn.
std::string hash_of(Json object) {
  if (auto spec = object.find("spec"); spec != object.end()) spec->erase("template");
  return resources::content_hash(object.dump());
}

bool is_ours(const ClusterContext& context, const Json& live) {
  return api::label(live, resources::cluster_label) == context.cluster.name ||
         api::is_owned_by(live, context.cluster.uid);
}

Result<std::optional<Json>> find_live(ClusterContext& context, const kubernetes::ObjectReference& reference) {
  if (const Json* listed = ClusterObjects::find(context.objects.of(reference.type), reference.name)) return *listed;
  // Not among the cluster's objects: gone, or there without its label.
  auto live = context.api.get(reference, {});
  if (live) return std::move(*live);
  if (live.error().kind == ErrorKind::not_found) return std::nullopt;
  return tl::unexpected(live.error());
}

Result<Json> apply(ClusterContext& context, const kubernetes::ObjectReference& reference, const Json& desired) {
  auto applied = context.api.apply(reference, desired, {});
  if (!applied && applied.error().kind == ErrorKind::conflict) {
    logger.warning("took fields back: " + applied.error().message);
    kubernetes::ApplyOptions force;
    force.force = true;
    applied = context.api.apply(reference, desired, force);
  }
  if (applied) context.objects.of(reference.type).insert_or_assign(reference.name, *applied);
  return applied;
}

}  // namespace

Result<Json> ensure(ClusterContext& context, const kubernetes::ResourceType& type, Json desired) {
  auto reference = context.reference(type, api::object_name(desired));
  auto live = find_live(context, reference);
  if (!live) return tl::unexpected(live.error());
  auto hash = hash_of(desired);
  desired["metadata"]["annotations"][applied_hash_annotation] = hash;
  if (*live) {
    if (!is_ours(context, **live)) {
      return fail(ErrorKind::already_exists,
                  reference.text() + " is there and does not belong to this cluster; remove or rename it");
    }
    if (api::is_being_deleted(**live)) {
      return fail(ErrorKind::unavailable, reference.text() + " is being deleted; it is made again when it is gone");
    }
    if (covers(**live, desired)) return std::move(**live);
  }
  return apply(context, reference, desired);
}

}  // namespace millrace::reconcile
