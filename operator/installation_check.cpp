#include "operator/installation_check.h"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "broker/base/clock.h"
#include "operator/api/json_access.h"
#include "operator/kubernetes/client.h"
#include "operator/kubernetes/lease_watch.h"
#include "operator/reconcile/resource_types.h"
#include "operator/reconcile/schema_check.h"

namespace millrace {
namespace {

constexpr std::array read_types = {
    reconcile::kafka_clusters, kubernetes::pods,     kubernetes::stateful_sets,    kubernetes::persistent_volume_claims,
    kubernetes::config_maps,   kubernetes::services, kubernetes::service_accounts, kubernetes::pod_disruption_budgets,
};

// What is not in order without being a fault: it costs something, and says so.
enum class Weight : std::uint8_t { needed, useful };

class Report {
 public:
  void line(bool well, Weight weight, const std::string& what, const std::string& why) {
    const char* mark = well ? "ok  " : weight == Weight::needed ? "FAIL" : "note";
    std::printf("%s  %s%s\n", mark, what.c_str(), why.empty() ? "" : (": " + why).c_str());
    failed_ = failed_ || (!well && weight == Weight::needed);
  }
  template <class T>
  void line(const Result<T>& result, const std::string& what, Weight weight = Weight::needed) {
    line(result.has_value(), weight, what, result ? "" : result.error().message);
  }
  [[nodiscard]] bool well() const { return !failed_; }

 private:
  bool failed_ = false;
};

void check_definition(kubernetes::KubernetesApi& api, Report& report) {
  auto schema = reconcile::check_schema(api);
  auto weight = schema.verdict == reconcile::SchemaCheck::Verdict::unknown ? Weight::useful : Weight::needed;
  report.line(schema.verdict == reconcile::SchemaCheck::Verdict::fits, weight,
              "the resource definition is this operator's", schema.message);
}

void check_reading(kubernetes::KubernetesApi& api, const std::string& namespace_name, Report& report) {
  auto where = namespace_name.empty() ? std::string("all namespaces") : "namespace " + namespace_name;
  for (const auto& type : read_types) {
    kubernetes::ListOptions options;
    options.namespace_name = namespace_name;
    options.resource_version = "0";
    report.line(api.list(type, options, [](nlohmann::json&&) {}), "reads " + std::string(type.kind) + "s in " + where);
  }
}

// Somebody must hold the Lease and renew it: an operator that waits for it does nothing.
void check_leader(kubernetes::KubernetesApi& api, const OperatorSettings& settings, Report& report) {
  auto holder = kubernetes::see_renewal(api, {kubernetes::leases, settings.lease_namespace, settings.lease_name},
                                        [](Duration duration) { std::this_thread::sleep_for(duration); });
  report.line(holder.has_value(), Weight::needed, "an operator leads", holder ? *holder : holder.error().message);
}

}  // namespace

bool check_installation(const kubernetes::ClientConfiguration& configuration, const OperatorSettings& settings) {
  SystemClock clock;
  Report report;
  auto client = kubernetes::KubernetesClient::make(configuration, clock);
  report.line(client, "configuration from " + configuration.origin);
  if (!client) return false;
  auto& api = **client;
  auto version = api.get_path("/version", {});
  report.line(version, "the API server at " + configuration.server + " answers");
  if (!version) return false;
  check_definition(api, report);
  if (settings.namespaces.empty()) check_reading(api, "", report);
  for (const auto& name : settings.namespaces) check_reading(api, name, report);
  report.line(api.list(kubernetes::storage_classes, {}, [](nlohmann::json&&) {}),
              "reads StorageClasses, to grow volumes", Weight::useful);
  if (settings.elect_leader) check_leader(api, settings, report);
  return report.well();
}

}  // namespace millrace
