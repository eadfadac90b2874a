#include "operator/reconcile/volumes.h"

#include <nlohmann/json.hpp>

#include "operator/api/json_access.h"
#include "operator/reconcile/claim_identity.h"
#include "operator/reconcile/identity.h"
#include "operator/reconcile/volume_growth.h"
#include "operator/resources/claim.h"
#include "operator/resources/labels.h"
#include "operator/resources/names.h"
#include "operator/resources/object_metadata.h"

namespace millrace::reconcile {

using Json = nlohmann::json;
using resources::Broker;

namespace {

constexpr auto binding_interval = std::chrono::seconds(30);

std::string text_of(const Broker& broker) { return "broker " + std::to_string(broker.id.value()); }

Outcome missing_claim(const std::string& name, const Broker& broker) {
  return problem("VolumeMissing", "claim " + name + " of " + text_of(broker) +
                                      " is gone. Its pod waits for it, and no empty volume takes its place. Restore "
                                      "the claim from a backup under this "
                                      "name; or, if its records are lost for good, delete the KafkaCluster and create "
                                      "it again to begin an empty one");
}

// The owners as they should be: ours with deleteClaim, never those of other KafkaClusters, everybody else's untouched.
Json wanted_owners(const Json& claim, const Broker& broker) {
  Json owners = Json::array();
  for (const auto& owner : api::json_at(claim, {"metadata", "ownerReferences"})) {
    if (api::text_at(owner, {"kind"}) != api::kafka_cluster_kind) owners.push_back(owner);
  }
  if (broker.pool.delete_claim) owners.push_back(resources::owner_reference(broker.cluster));
  return owners;
}

bool has_owners(const Json& claim, const Json& wanted) {
  const Json& owners = api::json_at(claim, {"metadata", "ownerReferences"});
  if (owners.size() != wanted.size()) return false;
  for (const auto& owner : wanted) {
    if (!api::is_owned_by(claim, api::text_at(owner, {"uid"}))) return false;
  }
  return true;
}

// Labels and owners of a claim that is there. Conditional on its being unchanged since it was read.
Status mend_metadata(ClusterContext& context, const Json& claim, const Broker& broker) {
  auto labels = resources::claim_labels(broker);
  auto owners = wanted_owners(claim, broker);
  bool labelled = true;
  for (const auto& [name, value] : labels.items())
    labelled = labelled && api::label(claim, name) == value.get<std::string>();
  if (labelled && has_owners(claim, owners)) return {};
  Json patch = {{"metadata",
                 {{"uid", api::object_uid(claim)},
                  {"resourceVersion", api::resource_version(claim)},
                  {"labels", labels},
                  {"ownerReferences", owners}}}};
  auto name = api::object_name(claim);
  auto patched = context.api.merge_patch(context.reference(kubernetes::persistent_volume_claims, name), patch, {});
  if (!patched) return tl::unexpected(patched.error());
  context.objects.claims.insert_or_assign(name, std::move(*patched));
  return {};
}

Result<Json> create_claim(ClusterContext& context, const Broker& broker, const api::VolumeSpec& volume) {
  auto desired = resources::claim(broker, volume);
  auto name = api::object_name(desired);
  auto created = context.api.create(context.reference(kubernetes::persistent_volume_claims, name), desired, {});
  if (!created) return created;
  context.objects.claims.insert_or_assign(name, *created);
  context.tell("ClaimCreated", "CreateClaim",
               "claim " + name + " of " + volume.size.text() + " for " + text_of(broker));
  return created;
}

// The claim, made now if it never was. It is asked for by name too: one that lost its labels is not among the cluster's objects.
Result<std::optional<Json>> find_or_create(ClusterContext& context, const Broker& broker, const api::VolumeSpec& volume,
                                           bool was_made) {
  auto name = resources::claim_name(context.cluster.name, broker.id, volume.name);
  if (const Json* listed = ClusterObjects::find(context.objects.claims, name)) return *listed;
  auto live = context.api.get(context.reference(kubernetes::persistent_volume_claims, name), {});
  if (live) {
    if (!was_made && api::label(*live, resources::cluster_label) != context.cluster.name) {
      return fail(
          ErrorKind::already_exists,
          "claim " + name + " is there and does not belong to this cluster; remove it, or name the cluster otherwise");
    }
    return std::move(*live);
  }
  if (live.error().kind != ErrorKind::not_found) return tl::unexpected(live.error());
  if (was_made) return std::nullopt;
  auto created = create_claim(context, broker, volume);
  // Somebody was first: it is looked at before it is used.
  if (!created && created.error().kind == ErrorKind::already_exists) {
    return fail(ErrorKind::version_mismatch, created.error().message);
  }
  if (!created) return tl::unexpected(created.error());
  return std::move(*created);
}

std::optional<Outcome> judge_binding(ClusterContext& context, const Json& claim) {
  auto name = api::object_name(claim);
  auto phase = api::text_at(claim, {"status", "phase"});
  if (phase == "Lost") {
    return problem("VolumeLost", "the volume behind claim " + name + " is gone (phase Lost); restore it from a backup");
  }
  if (phase == "Bound") return std::nullopt;
  if (auto why = why_unbound(context, claim); !why.empty()) {
    return problem("StorageClassMissing", "claim " + name + " gets no volume: " + why, binding_interval);
  }
  return waiting("VolumePending", "claim " + name + " waits for its volume");
}

// One volume of one broker; nothing where all is well.
std::optional<Outcome> reconcile_volume(ClusterContext& context, const Broker& broker, const api::VolumeSpec& volume) {
  bool was_made = context.record->brokers[broker.id].volumes.contains(volume.name);
  auto found = find_or_create(context, broker, volume, was_made);
  if (!found) return failed(found.error());
  if (!*found) return missing_claim(resources::claim_name(context.cluster.name, broker.id, volume.name), broker);
  const Json claim = std::move(**found);
  auto name = api::object_name(claim);
  context.record->brokers[broker.id].volumes.insert(volume.name);
  context.objects.claims.insert_or_assign(name, claim);
  if (api::is_being_deleted(claim)) {
    return problem("VolumeTerminating",
                   "claim " + name + " of " + text_of(broker) +
                       " was deleted and goes, with all records in it, as soon as its pod ends; take a copy of its "
                       "volume before that");
  }
  if (auto mended = mend_metadata(context, claim, broker); !mended) return failed(mended.error());
  const Json current = context.objects.claims[name];
  if (volume.storage_class && api::text_at(current, {"spec", "storageClassName"}) != *volume.storage_class) {
    return problem("StorageClassDiffers",
                   "claim " + name + " is of storage class " + api::text_at(current, {"spec", "storageClassName"}) +
                       " and " + *volume.storage_class + " is asked for: a volume cannot move to another class");
  }
  if (auto size = reconcile_size(context, current, volume)) return size;
  return judge_binding(context, current);
}

int gravity(const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::done:
      return 0;
    case Outcome::Kind::waiting:
      return 1;
    case Outcome::Kind::retry:
      return 2;
    case Outcome::Kind::failed:
      return 3;
    case Outcome::Kind::problem:
      return 4;
  }
  return 0;
}

}  // namespace

bool has_its_volumes(const ClusterContext& context, const Broker& broker) {
  if (!context.record) return false;
  auto member = context.record->brokers.find(broker.id);
  if (member == context.record->brokers.end()) return false;
  for (const auto& volume : broker.pool.volumes) {
    if (!member->second.volumes.contains(volume.name)) return false;
  }
  return true;
}

Outcome reconcile_volumes(ClusterContext& context) {
  if (!context.record)
    return waiting("WaitingForIdentity", "no claim is made before the cluster's identity is settled");
  auto worst = done("VolumesReady", "every broker has its volumes");
  for (const auto& broker : context.brokers()) {
    for (const auto& volume : broker.pool.volumes) {
      auto outcome = reconcile_volume(context, broker, volume);
      if (outcome && gravity(*outcome) > gravity(worst)) worst = std::move(*outcome);
    }
  }
  // What was made is recorded before any broker starts on it.
  auto record = *context.record;
  if (auto written = write_founding_record(context, record); !written) {
    context.record.reset();
    return failed(written.error());
  }
  return worst;
}

}  // namespace millrace::reconcile
