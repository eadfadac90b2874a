#include "operator/reconcile/identity.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "broker/base/uuid.h"
#include "operator/api/json_access.h"
#include "operator/reconcile/claim_identity.h"
#include "operator/reconcile/difference.h"
#include "operator/resources/labels.h"
#include "operator/resources/names.h"

namespace millrace::reconcile {

using Json = nlohmann::json;
using resources::FoundingRecord;

namespace {

constexpr auto removal_interval = std::chrono::seconds(1);

// An id that can also be a label's value.
std::string new_cluster_id(Random& random) {
  while (true) {
    auto text = to_string(Uuid::random(random));
    if (resources::is_label_value(text)) return text;
  }
}

Result<const Json*> find_founding(ClusterContext& context) {
  auto name = resources::founding_record_name(context.cluster.name);
  if (const Json* listed = ClusterObjects::find(context.objects.config_maps, name)) return listed;
  auto live = context.api.get(context.reference(kubernetes::config_maps, name), {});
  if (!live) {
    if (live.error().kind == ErrorKind::not_found) return nullptr;
    return tl::unexpected(live.error());
  }
  return &context.objects.config_maps.insert_or_assign(name, std::move(*live)).first->second;
}

const Json* departing_claim(const ClusterContext& context) {
  for (const auto& [name, claim] : context.objects.claims) {
    if (goes_with_an_earlier_cluster(claim, context.cluster)) return &claim;
  }
  return nullptr;
}

// The record as the claims' labels tell it.
Result<FoundingRecord> record_of_claims(const ClusterContext& context) {
  FoundingRecord record;
  for (const auto& [name, claim] : context.objects.claims) {
    auto identity = identify_claim(claim, context.cluster.name);
    if (!identity) return tl::unexpected(identity.error());
    if (record.cluster_id.empty()) record.cluster_id = identity->cluster_id;
    if (record.cluster_id != identity->cluster_id) {
      return fail(ErrorKind::corrupt, "claim " + name + " is of cluster id " + identity->cluster_id +
                                          ", others are of " + record.cluster_id +
                                          "; remove those of the wrong cluster");
    }
    auto& member = record.brokers[identity->broker];
    member.pool = identity->pool;
    member.volumes.insert(identity->volume);
  }
  return record;
}

// Claims that the record does not know, or that are of another cluster, are somebody's records: nothing is done to
// them.
std::optional<Outcome> conflict_with_claims(const ClusterContext& context, const FoundingRecord& record) {
  for (const auto& [name, claim] : context.objects.claims) {
    auto cluster_id = api::label(claim, resources::cluster_id_label);
    if (cluster_id.empty() || cluster_id == record.cluster_id) continue;
    return problem("ClusterIdConflict", "claim " + name + " is of cluster id " + cluster_id + ", but this cluster is " +
                                            record.cluster_id + "; remove the claim or the ConfigMap " +
                                            resources::founding_record_name(context.cluster.name) +
                                            ", whichever is wrong");
  }
  return std::nullopt;
}

std::optional<Outcome> unknown_pool(const ClusterContext& context, const FoundingRecord& record) {
  for (const auto& [id, member] : record.brokers) {
    if (context.cluster.spec.find_pool(member.pool) != nullptr) continue;
    return problem("PoolMissing", "broker " + std::to_string(id.value()) + " with its claims belongs to pool " +
                                      member.pool + ", which spec.pools does not have; give a pool this name");
  }
  return std::nullopt;
}

bool is_reserved_by_another(const api::KafkaClusterSpec& spec, const api::PoolSpec& pool, std::int32_t id) {
  return std::any_of(spec.pools.begin(), spec.pools.end(), [&](const api::PoolSpec& other) {
    return other.name != pool.name && other.id_range && id >= other.id_range->start && id <= other.id_range->end;
  });
}

// Gives ids to the brokers that have none yet: the lowest of the pool's range that was never used.
std::optional<Outcome> assign_ids(const api::KafkaClusterSpec& spec, FoundingRecord& record) {
  for (const auto& pool : spec.pools) {
    auto range = pool.id_range.value_or(api::IdRange{});
    auto missing = pool.replicas - static_cast<std::int32_t>(std::count_if(
                                       record.brokers.begin(), record.brokers.end(),
                                       [&](const auto& entry) { return entry.second.pool == pool.name; }));
    for (auto id = range.start; id <= range.end && missing > 0; ++id) {
      if (record.brokers.contains(BrokerId(id)) || (!pool.id_range && is_reserved_by_another(spec, pool, id))) continue;
      record.brokers[BrokerId(id)].pool = pool.name;
      --missing;
    }
    if (missing > 0) {
      return problem("NoBrokerIdLeft", "pool " + pool.name + " has no unused broker id left from " +
                                           std::to_string(range.start) + " to " + std::to_string(range.end));
    }
  }
  return std::nullopt;
}

std::vector<resources::ClaimOwner> claim_owners(const ClusterContext& context, const FoundingRecord& record) {
  std::vector<resources::ClaimOwner> owners;
  for (const auto& [id, member] : record.brokers) {
    for (const auto& volume : member.volumes) {
      auto name = resources::claim_name(context.cluster.name, id, volume);
      if (const Json* claim = ClusterObjects::find(context.objects.claims, name))
        owners.push_back({name, api::object_uid(*claim)});
    }
  }
  return owners;
}

Outcome settle(ClusterContext& context, FoundingRecord record) {
  if (auto conflict = conflict_with_claims(context, record)) return *conflict;
  if (auto unknown = unknown_pool(context, record)) return *unknown;
  if (auto exhausted = assign_ids(context.cluster.spec, record)) return *exhausted;
  if (auto written = write_founding_record(context, record); !written) return failed(written.error());
  auto message = "cluster id " + record.cluster_id;
  context.seen_record = record;
  context.record = std::move(record);
  return done("IdentityRecorded", message);
}

Outcome adopt(ClusterContext& context, FoundingRecord record) {
  auto note = "the claims of cluster id " + record.cluster_id + " are taken up again";
  auto outcome = settle(context, std::move(record));
  if (context.record) context.tell("ClaimsAdopted", "Adopt", note);
  return outcome;
}

Outcome found_or_recover(ClusterContext& context) {
  if (!context.objects.claims.empty()) {
    auto record = record_of_claims(context);
    if (!record) return problem("ClaimUnreadable", record.error().message);
    context.seen_record = *record;
    return adopt(context, std::move(*record));
  }
  if (!context.recorded_cluster_id.empty()) {
    return problem(
        "FoundingRecordLost",
        "the claims and the founding record of cluster id " + context.recorded_cluster_id +
            " are gone, and with them all records. Restore them from a backup, or delete and create the KafkaCluster "
            "again to begin an empty cluster");
  }
  FoundingRecord record;
  record.cluster_id = new_cluster_id(context.random);
  auto outcome = settle(context, record);
  if (context.record)
    context.tell("Founded", "Found", "the cluster begins, empty, with cluster id " + record.cluster_id);
  return outcome;
}

// Somebody owns the record, and none of its owners is left to stay: the garbage collector is about to take it.
bool is_departing_record(const ClusterContext& context, const Json& founding) {
  if (api::is_being_deleted(founding)) return true;
  return !api::json_at(founding, {"metadata", "ownerReferences"}).empty() && context.objects.claims.empty();
}

}  // namespace

Status write_founding_record(ClusterContext& context, const FoundingRecord& record) {
  auto desired = resources::founding_config_map(context.cluster, record, claim_owners(context, record));
  auto name = api::object_name(desired);
  auto reference = context.reference(kubernetes::config_maps, name);
  const Json* live = ClusterObjects::find(context.objects.config_maps, name);
  if (live != nullptr && covers(*live, desired) &&
      api::json_at(*live, {"metadata", "ownerReferences"}).size() == desired["metadata"]["ownerReferences"].size()) {
    return {};
  }
  Result<Json> written;
  if (live == nullptr) {
    written = context.api.create(reference, desired, {});
    // Another operator, or our own create that was sent twice, was first: its record counts.
    if (!written && written.error().kind == ErrorKind::already_exists) {
      return fail(ErrorKind::version_mismatch, written.error().message);
    }
  } else {
    desired["metadata"]["resourceVersion"] = api::resource_version(*live);
    desired["metadata"]["uid"] = api::object_uid(*live);
    written = context.api.replace(reference, desired, {});
  }
  if (!written) return tl::unexpected(written.error());
  context.objects.config_maps.insert_or_assign(name, std::move(*written));
  return {};
}

Outcome reconcile_identity(ClusterContext& context) {
  auto founding = find_founding(context);
  if (!founding) return failed(founding.error());
  const Json* record = *founding;
  bool ours = record != nullptr && api::is_owned_by(*record, context.cluster.uid);
  if (!ours) {
    if (const Json* claim = departing_claim(context)) {
      return waiting("WaitingForDeletion",
                     "claim " + api::object_name(*claim) +
                         " of an earlier cluster of this name is being deleted; the new one begins "
                         "when it is gone",
                     removal_interval);
    }
    if (record != nullptr && is_departing_record(context, *record)) {
      return waiting("WaitingForDeletion", "the founding record of an earlier cluster of this name is being deleted",
                     removal_interval);
    }
  }
  if (record == nullptr) return found_or_recover(context);
  auto parsed = resources::parse_founding_config_map(*record);
  if (!parsed) {
    return problem("FoundingRecordUnreadable", "ConfigMap " + api::object_name(*record) + ": " +
                                                   parsed.error().message +
                                                   ". Restore it, or delete it: it is then made again from the claims");
  }
  context.seen_record = *parsed;
  return ours ? settle(context, std::move(*parsed)) : adopt(context, std::move(*parsed));
}

}  // namespace millrace::reconcile
