#include "operator/reconcile/claim_identity.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "operator/api/json_access.h"
#include "operator/resources/labels.h"
#include "operator/resources/names.h"

namespace millrace::reconcile {

using Json = nlohmann::json;

Result<ClaimIdentity> identify_claim(const Json& claim, std::string_view cluster) {
  auto name = api::object_name(claim);
  auto wrong = [&](std::string_view label) {
    return fail(ErrorKind::corrupt,
                "claim " + name + " belongs to the cluster, but its label " + std::string(label) +
                    " is missing or wrong; restore it from a backup of the claim, or remove its label " +
                    std::string(resources::cluster_label));
  };
  ClaimIdentity identity;
  identity.cluster_id = api::label(claim, resources::cluster_id_label);
  if (identity.cluster_id.empty()) return wrong(resources::cluster_id_label);
  identity.pool = api::label(claim, resources::pool_label);
  if (identity.pool.empty()) return wrong(resources::pool_label);
  auto text = api::label(claim, resources::broker_id_label);
  std::int32_t id = -1;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size() || id < 0) return wrong(resources::broker_id_label);
  identity.broker = BrokerId(id);
  auto prefix = resources::claim_name(cluster, identity.broker, "");
  if (!name.starts_with(prefix) || name.size() == prefix.size()) return wrong(resources::broker_id_label);
  identity.volume = name.substr(prefix.size());
  return identity;
}

bool goes_with_an_earlier_cluster(const Json& claim, const api::KafkaCluster& cluster) {
  if (api::is_being_deleted(claim)) return true;
  const Json& owners = api::json_at(claim, {"metadata", "ownerReferences"});
  return std::any_of(owners.begin(), owners.end(), [&](const Json& owner) {
    return api::text_at(owner, {"kind"}) == api::kafka_cluster_kind && api::text_at(owner, {"uid"}) != cluster.uid;
  });
}

}  // namespace millrace::reconcile
