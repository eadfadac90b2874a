#include "operator/reconcile/kafka_cluster_controller.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "broker/base/logging.h"
#include "operator/reconcile/requeue.h"
#include "operator/reconcile/resource_types.h"
#include "operator/resources/labels.h"

namespace millrace::reconcile {
namespace {

constexpr Logger logger{"controller"};
// Some thirty calls of at most 15 s, and then some.
constexpr auto busy_max = std::chrono::minutes(15);

constexpr std::array child_types = {
    kubernetes::pods,     kubernetes::stateful_sets,    kubernetes::persistent_volume_claims, kubernetes::config_maps,
    kubernetes::services, kubernetes::service_accounts, kubernetes::pod_disruption_budgets,
};

double seconds_of(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

KafkaClusterController::KafkaClusterController(kubernetes::KubernetesApi& api, kubernetes::EventSink& events,
                                               const Clock& clock, MetricsRegistry& metrics, ControllerOptions options,
                                               AskLeadership leadership)
    : api_(api),
      events_(events),
      clock_(clock),
      options_(std::move(options)),
      leadership_(std::move(leadership)),
      schema_(api, clock),
      queue_(clock),
      succeeded_(
          metrics.counter("millrace_operator_reconciliations_total", "Looks at a cluster", {{"result", "success"}})),
      failed_(
          metrics.counter("millrace_operator_reconciliations_total", "Looks at a cluster", {{"result", "failure"}})),
      seconds_(metrics.histogram("millrace_operator_reconciliation_seconds", "Time of one look at a cluster",
                                 {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60})),
      cluster_count_(metrics.gauge("millrace_operator_clusters", "KafkaClusters that are watched")),
      ready_count_(metrics.gauge("millrace_operator_clusters_ready", "KafkaClusters whose condition Ready is True")),
      waiting_count_(metrics.gauge("millrace_operator_queue_length", "KafkaClusters that wait for a worker")) {
  auto namespaces = options_.namespaces;
  if (namespaces.empty()) namespaces.emplace_back();  // all
  for (const auto& name : namespaces) watch_namespace(name);
}

KafkaClusterController::~KafkaClusterController() { stop(); }

void KafkaClusterController::watch_namespace(const std::string& namespace_name) {
  auto& clusters = clusters_.emplace_back(std::make_unique<Clusters>(
      api_, clock_, random_, kubernetes::InformerOptions{.type = kafka_clusters, .namespace_name = namespace_name},
      &watch_cluster));
  clusters->on_change([this](kubernetes::Change, const kubernetes::ObjectKey& key, const WatchedCluster* before,
                             const WatchedCluster* after) {
    // Our own writes of the status are no news.
    bool same = before != nullptr && after != nullptr && is_no_news(*before, *after);
    if (!same) queue_.add(key);
  });
  for (const auto& type : child_types) {
    kubernetes::InformerOptions options{.type = type, .namespace_name = namespace_name};
    options.label_selector = std::string(resources::managed_by_label) + "=" + std::string(resources::managed_by);
    auto& children =
        children_.emplace_back(std::make_unique<Children>(api_, clock_, random_, std::move(options), &watch_child));
    children->on_change([this](kubernetes::Change, const kubernetes::ObjectKey& key, const WatchedChild* before,
                               const WatchedChild* after) {
      if (before != nullptr && after != nullptr && before->fingerprint == after->fingerprint) return;
      for (const auto* child : {before, after}) {
        if (child != nullptr && !child->cluster.empty()) queue_.add({key.namespace_name, child->cluster});
      }
    });
  }
}

void KafkaClusterController::start() {
  for (auto& clusters : clusters_) clusters->start();
  for (auto& children : children_) children->start();
  for (std::size_t i = 0; i < options_.workers; ++i) {
    auto& worker = *workers_.emplace_back(std::make_unique<Worker>());
    worker.thread = std::thread([this, &worker] { work(worker); });
  }
}

void KafkaClusterController::stop() {
  queue_.shut_down();
  for (auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
  }
  for (auto& clusters : clusters_) clusters->stop();
  for (auto& children : children_) children->stop();
}

void KafkaClusterController::look_at_everything() {
  for (const auto& clusters : clusters_) {
    for (const auto& [key, cluster] : clusters->list()) queue_.add(key);
  }
}

void KafkaClusterController::work(Worker& worker) {
  while (auto key = queue_.get()) {
    worker.busy_since.store(std::max<Duration::rep>(1, clock_.now().time_since_epoch().count()));
    if (auto leadership = leadership_()) take(*key, leadership->term);
    worker.busy_since.store(0);
    queue_.done(*key);
  }
}

void KafkaClusterController::take(const kubernetes::ObjectKey& key, std::uint64_t term) {
  auto begin = clock_.now();
  LeaderGuard guard(api_, clock_, leadership_, term);
  KafkaClusterReconciler reconciler(guard, events_, clock_, random_,
                                    {options_.default_image, [this] { return schema_.refusal(); }});
  auto result = reconciler.reconcile(key);
  seconds_.observe(seconds_of(clock_.now() - begin));
  (result.failed ? failed_ : succeeded_).add();
  if (result.failed) logger.info(key.text() + " is looked at again: " + result.why);
  requeue(queue_, key, result);
}

Status KafkaClusterController::readiness() const {
  auto not_yet = [](const std::string& what, const std::string& error) {
    return fail(ErrorKind::unavailable,
                "the first list of " + what + " has not come in" + (error.empty() ? "" : ": " + error));
  };
  for (const auto& clusters : clusters_) {
    if (!clusters->has_synced()) return not_yet("KafkaClusters", clusters->last_error());
  }
  for (const auto& children : children_) {
    if (!children->has_synced()) return not_yet("the clusters' objects", children->last_error());
  }
  return {};
}

bool KafkaClusterController::is_alive() const {
  auto now = clock_.now().time_since_epoch();
  return std::none_of(workers_.begin(), workers_.end(), [&](const auto& worker) {
    Duration since(worker->busy_since.load());
    return since.count() != 0 && now - since > busy_max;
  });
}

void KafkaClusterController::update_gauges() {
  std::size_t count = 0;
  std::size_t ready = 0;
  for (const auto& clusters : clusters_) {
    for (const auto& [key, cluster] : clusters->list()) {
      ++count;
      ready += cluster->ready ? 1 : 0;
    }
  }
  cluster_count_.set(static_cast<double>(count));
  ready_count_.set(static_cast<double>(ready));
  waiting_count_.set(static_cast<double>(queue_.ready_count()));
}

}  // namespace millrace::reconcile
