#include "operator/reconcile/volume_growth.h"

#include <nlohmann/json.hpp>

#include "operator/api/json_access.h"

namespace millrace::reconcile {

using Json = nlohmann::json;

namespace {

constexpr auto growth_interval = std::chrono::seconds(10);

api::Quantity amount(const Json& object, api::JsonPath path) {
  return api::Quantity::parse(api::text_at(object, path)).value_or(api::Quantity{});
}

Outcome ask_for_more(ClusterContext& context, const Json& claim, const api::Quantity& now,
                     const api::Quantity& wanted) {
  auto name = api::object_name(claim);
  auto class_name = api::text_at(claim, {"spec", "storageClassName"});
  auto storage_class = context.api.get(context.reference(kubernetes::storage_classes, class_name), {});
  if (!storage_class) {
    bool absent = storage_class.error().kind == ErrorKind::not_found;
    return problem(absent ? "StorageClassMissing" : "StorageClassUnreadable",
                   "claim " + name + " should grow to " + wanted.text() + ", but whether storage class '" + class_name +
                       "' can grow is not known: " + storage_class.error().message,
                   growth_interval);
  }
  if (api::json_at(*storage_class, {"allowVolumeExpansion"}) != Json(true)) {
    return problem("VolumeCannotGrow", "claim " + name + " cannot grow from " + now.text() + " to " + wanted.text() +
                                           ": storage class " + class_name +
                                           " does not allow it (allowVolumeExpansion)");
  }
  Json patch = {{"metadata", {{"uid", api::object_uid(claim)}, {"resourceVersion", api::resource_version(claim)}}},
                {"spec", {{"resources", {{"requests", {{"storage", wanted.text()}}}}}}}};
  auto patched = context.api.merge_patch(context.reference(kubernetes::persistent_volume_claims, name), patch, {});
  if (!patched) return failed(patched.error());
  context.objects.claims.insert_or_assign(name, std::move(*patched));
  auto note = "claim " + name + " grows from " + now.text() + " to " + wanted.text();
  context.tell("VolumeGrowing", "Grow", note);
  return waiting("VolumeGrowing", note, growth_interval);
}

bool is_default(const Json& storage_class) {
  return api::annotation(storage_class, "storageclass.kubernetes.io/is-default-class") == "true";
}

}  // namespace

std::optional<Outcome> reconcile_size(ClusterContext& context, const Json& claim, const api::VolumeSpec& volume) {
  auto requested = amount(claim, {"spec", "resources", "requests", "storage"});
  if (volume.size > requested) return ask_for_more(context, claim, requested, volume.size);
  if (volume.size < requested) {
    return problem("VolumeCannotShrink", "claim " + api::object_name(claim) + " has " + requested.text() + " and " +
                                             volume.size.text() + " is asked for: a volume cannot shrink; ask for " +
                                             requested.text() + " or more");
  }
  bool bound = api::text_at(claim, {"status", "phase"}) == "Bound";
  auto capacity = amount(claim, {"status", "capacity", "storage"});
  if (bound && capacity < requested) {
    return waiting("VolumeGrowing",
                   "claim " + api::object_name(claim) + " grows from " + capacity.text() + " to " + requested.text(),
                   growth_interval);
  }
  return std::nullopt;
}

std::string why_unbound(ClusterContext& context, const Json& claim) {
  auto wanted = api::text_at(claim, {"spec", "storageClassName"});
  std::string names;
  bool found = false;
  auto listed = context.api.list(kubernetes::storage_classes, {}, [&](Json&& item) {
    auto name = api::object_name(item);
    found = found || (wanted.empty() ? is_default(item) : name == wanted);
    names += (names.empty() ? "" : ", ") + name;
  });
  // Without permission to read storage classes there is nothing to add.
  if (!listed || found) return {};
  std::string there = names.empty() ? "there is none" : "there are: " + names;
  if (wanted.empty())
    return "the Kubernetes cluster has no default storage class; name one in storageClass (" + there + ")";
  return "storage class " + wanted + " is not there (" + there + ")";
}

}  // namespace millrace::reconcile
