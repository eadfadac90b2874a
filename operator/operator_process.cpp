#include "operator/operator_process.h"

#include "broker/base/logging.h"

namespace millrace {
namespace {

constexpr Logger logger{"operator"};

http::HttpResponse page(const Status& state) {
  if (state) return {200, "text/plain; charset=utf-8", "ok\n"};
  return {503, "text/plain; charset=utf-8", state.error().message + "\n"};
}

}  // namespace

Status OperatorProcess::start(const kubernetes::ClientConfiguration& configuration) {
  leading_ = metrics_.gauge("millrace_operator_leading", "1 while this operator acts, 0 while it stands by");
  auto client = kubernetes::KubernetesClient::make(configuration, clock_);
  if (!client) return tl::unexpected(client.error());
  client_ = std::move(*client);
  kubernetes::EventRecorderOptions events;
  events.instance = settings_.identity;
  events_ = std::make_unique<kubernetes::EventRecorder>(*client_, clock_, events);
  reconcile::ControllerOptions controller{settings_.namespaces, settings_.workers, settings_.broker_image};
  controller_ = std::make_unique<reconcile::KafkaClusterController>(*client_, *events_, clock_, metrics_, controller,
                                                                    [this] { return leadership(); });
  if (auto elected = start_election(configuration); !elected) return elected;
  controller_->start();
  if (election_) election_->start();
  return start_http();
}

Status OperatorProcess::start_election(const kubernetes::ClientConfiguration& configuration) {
  if (!settings_.elect_leader) return {};
  auto client = kubernetes::KubernetesClient::make(configuration, clock_);
  if (!client) return tl::unexpected(client.error());
  lease_client_ = std::move(*client);
  kubernetes::LeaderElectionOptions options;
  options.namespace_name = settings_.lease_namespace;
  options.lease_name = settings_.lease_name;
  options.identity = settings_.identity;
  kubernetes::LeaderElectionCallbacks callbacks;
  callbacks.on_elected = [this] {
    logger.info("this operator leads");
    controller_->look_at_everything();
  };
  callbacks.on_lost = [](const std::string& why) { logger.warning("this operator stands by: " + why); };
  callbacks.on_new_leader = [](const std::string& identity) { logger.info("operator " + identity + " leads"); };
  election_ = std::make_unique<kubernetes::LeaderElection>(*lease_client_, clock_, random_, options, callbacks);
  return election_->check_options();
}

std::optional<kubernetes::Leadership> OperatorProcess::leadership() const {
  if (election_) return election_->leadership();
  return kubernetes::Leadership{.until = MonotonicTime::max()};
}

Status OperatorProcess::start_http() {
  http::HttpConfig config;
  config.host = settings_.http_host;
  config.port = settings_.http_port;
  auto server = http::HttpServer::start(config);
  if (!server) return tl::unexpected(server.error());
  http_ = std::move(*server);
  http_->handle("/metrics", [this](const http::HttpRequest&) { return metrics_page(); });
  http_->handle("/livez", [this](const http::HttpRequest&) {
    return controller_->is_alive() ? page({}) : page(fail(ErrorKind::unavailable, "a worker is stuck"));
  });
  http_->handle("/readyz", [this](const http::HttpRequest&) { return readiness_page(); });
  return {};
}

http::HttpResponse OperatorProcess::metrics_page() {
  controller_->update_gauges();
  leading_.set(leadership() ? 1 : 0);
  return {200, "text/plain; version=0.0.4; charset=utf-8", metrics_.text()};
}

http::HttpResponse OperatorProcess::readiness_page() const { return page(controller_->readiness()); }

void OperatorProcess::stop() {
  if (http_) http_->stop();
  // Reconciliations under way end at their next call.
  if (client_ && controller_) {
    if (events_) events_->stop();
    client_->stop();
    controller_->stop();
  }
  if (election_) election_->stop();
  if (lease_client_) lease_client_->stop();
}

}  // namespace millrace
