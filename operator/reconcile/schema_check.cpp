#include "operator/reconcile/schema_check.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "operator/api/json_access.h"
#include "operator/api/kafka_cluster.h"
#include "operator/kubernetes/api.h"

namespace millrace::reconcile {
namespace {

constexpr const char* command =
    "kubectl apply --server-side --force-conflicts -f crds/ (of this operator's release), or helm upgrade";

int schema_version_of(const nlohmann::json& definition) {
  auto text = api::annotation(definition, api::schema_version_annotation);
  int version = 0;
  std::from_chars(text.data(), text.data() + text.size(), version);
  return version;
}

}  // namespace

SchemaCheck check_schema(kubernetes::KubernetesApi& api) {
  kubernetes::ObjectReference reference{kubernetes::custom_resource_definitions, "",
                                        std::string(api::kafka_cluster_definition)};
  auto definition = api.get(reference, {});
  if (!definition) {
    if (definition.error().kind == ErrorKind::not_found) {
      return {SchemaCheck::Verdict::older, reference.text() + " is not there; bring it with: " + command};
    }
    bool forbidden = definition.error().kind == ErrorKind::permission_denied;
    return {forbidden ? SchemaCheck::Verdict::unknown : SchemaCheck::Verdict::unanswered, definition.error().message};
  }
  int version = schema_version_of(*definition);
  if (version >= api::schema_version) return {SchemaCheck::Verdict::fits, ""};
  return {SchemaCheck::Verdict::older, reference.text() + " has schema version " + std::to_string(version) +
                                           ", and this operator needs " + std::to_string(api::schema_version) +
                                           "; bring it with: " + command};
}

}  // namespace millrace::reconcile
