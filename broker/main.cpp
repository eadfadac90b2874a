// millrace-broker: the command line, signals, the probes' port. The broker itself is server/broker.h.

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/file.h"
#include "broker/base/logging.h"
#include "broker/base/metrics.h"
#include "broker/http/http_server.h"
#include "broker/metadata/cluster_transfer.h"
#include "broker/server/broker.h"
#include "broker/server/configuration/broker_configuration.h"
#include "broker/server/configuration/configuration_reference.h"
#include "broker/server/supported_apis.h"

namespace {

using namespace millrace;

constexpr Logger logger{"main"};

// One line for people, and the exit code of a start that failed.
int refuse(const std::string& message) {
  std::fprintf(stderr, "millrace-broker: %s\n", message.c_str());
  return 1;
}

void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) logger.warning("the limit of open files stays at its soft value");
}

// Threads that are started later inherit the mask: signals come to wait_for_stop_signal alone.
sigset_t block_stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

Result<std::unique_ptr<http::HttpServer>> serve_probes(const server::BrokerConfiguration& configuration,
                                                       const server::BrokerHealth& health,
                                                       const MetricsRegistry& metrics) {
  http::HttpConfig config;
  config.host = configuration.http->host;
  config.port = configuration.http->port;
  auto probes = http::HttpServer::start(config);
  if (!probes) return probes;
  (*probes)->handle("/metrics", [&metrics](const http::HttpRequest&) {
    return http::HttpResponse{200, "text/plain; version=0.0.4; charset=utf-8", metrics.text()};
  });
  (*probes)->handle("/livez", [&health](const http::HttpRequest&) {
    return health.is_alive() ? http::HttpResponse{200, "text/plain; charset=utf-8", "ok\n"}
                             : http::HttpResponse{503, "text/plain; charset=utf-8", "an event loop is stuck\n"};
  });
  (*probes)->handle("/readyz", [&health](const http::HttpRequest&) {
    auto ready = health.readiness();
    return ready ? http::HttpResponse{200, "text/plain; charset=utf-8", "ok\n"}
                 : http::HttpResponse{503, "text/plain; charset=utf-8", ready.error().message + "\n"};
  });
  return probes;
}

void print_welcome(const server::BrokerConfiguration& configuration, const server::Broker& broker) {
  const auto& address = broker.listeners().front().address;
  std::printf("Millrace broker %d of cluster %s\n", broker.broker_id().value(), broker.cluster_id().c_str());
  for (const auto& listener : broker.listeners())
    std::printf("bootstrap  %s (%s)\n", listener.address.c_str(), listener.name.c_str());
  for (const auto& directory : configuration.log.directories) std::printf("data       %s\n", directory.c_str());
  std::printf("produce    echo hello | kcat -P -b %s -t greetings\n", address.c_str());
  std::printf("consume    kcat -C -b %s -t greetings -o beginning -e\n", address.c_str());
  std::fflush(stdout);
}

enum class Direction : std::uint8_t { to_zookeeper, from_zookeeper };

// Takes the cluster's znodes from one store to the other, beside the log directories, which stay as they are.
int transfer_znodes(const server::BrokerConfiguration& configuration, Direction direction, const std::string& address) {
  const auto& store = configuration.metadata_store;
  if (store.kind != server::MetadataStoreConfiguration::Kind::embedded)
    return refuse("znodes are taken from or to an embedded store: metadata.store=embedded:<directory>");
  const bool outward = direction == Direction::to_zookeeper;
  auto moved = outward ? metadata::export_cluster(store.directory, address)
                       : metadata::import_cluster(store.directory, address, configuration.broker_id, SystemClock());
  if (!moved) return refuse(moved.error().message);
  std::printf("cluster %s: %zu topics with %zu partitions, %zu configurations; %zu changes written to %s\n",
              moved->cluster_id.c_str(), moved->topics, moved->partitions, moved->configurations,
              moved->operations.size(), outward ? address.c_str() : store.directory.c_str());
  return 0;
}

// Before a hand-back: what Kafka 3.9 does not know of groups goes from __consumer_offsets.
int convert_groups(const server::BrokerConfiguration& configuration) {
  raise_file_limit();
  MetricsRegistry metrics;
  server::Broker broker(configuration, metrics);
  auto converted = broker.convert_groups_to_classic();
  auto stopped = broker.stop();
  if (!converted) return refuse(converted.error().message);
  if (!stopped) return refuse("not stopped cleanly: " + stopped.error().message);
  std::printf(
      "%zu groups of the consumer protocol are classic groups now, with their offsets and their classic members\n",
      *converted);
  return 0;
}

int run(const server::BrokerConfiguration& configuration) {
  const auto signals = block_stop_signals();
  raise_file_limit();
  MetricsRegistry metrics;
  server::Broker broker(configuration, metrics);
  broker.on_all_directories_offline([](const std::string& why) {
    refuse("stopped at once: " + why);
    ::_exit(1);
  });
  std::unique_ptr<http::HttpServer> probes;
  if (configuration.http) {
    auto served = serve_probes(configuration, broker.health(), metrics);
    if (!served) return refuse(served.error().message);
    probes = std::move(*served);
  }

  // A stop during the start, which may recover for minutes, is a stop at once: what is on disk is safe at any instant. When
  // clients may have been answered it is a clean one.
  std::atomic<bool> serves{false};
  std::atomic<bool> over{false};
  std::thread waiter([&] {
    int signal = 0;
    sigwait(&signals, &signal);
    if (over.load()) return;
    if (!serves.load()) {
      std::fprintf(stderr, "millrace-broker: stopped during the start\n");
      ::_exit(128 + signal);
    }
    logger.info("stopping");
  });

  auto serving = broker.start([&] { serves.store(true); });
  if (serving) {
    print_welcome(configuration, broker);
  } else {
    over.store(true);
    // NOLINTNEXTLINE(bugprone-bad-signal-to-kill-thread): every thread blocks it, and the waiter takes it by sigwait.
    pthread_kill(waiter.native_handle(), SIGTERM);
  }
  waiter.join();
  if (!serving) return refuse(serving.error().message);
  auto stopped = broker.stop();
  if (probes) probes->stop();
  if (!stopped) return refuse("not stopped cleanly: " + stopped.error().message);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Millrace broker: Kafka's protocol and Kafka's files, in C++");
  std::string properties;
  std::vector<std::string> overrides;
  std::string log_level = "info";
  std::string export_to;
  std::string import_from;
  bool converts_groups = false;
  bool reference = false;
  bool apis = false;
  app.add_option("server.properties", properties, "Kafka's configuration file");
  app.add_option("--override", overrides, "key=value, over the file; may be given many times")->take_all();
  app.add_option("--log-level", log_level, "trace, debug, info, warning or error")
      ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error"}));
  auto* exporting = app.add_option("--export-znodes", export_to,
                                   "HOST:PORT[,HOST:PORT][/chroot] of a ZooKeeper: write the znodes with which a Kafka "
                                   "3.9 broker opens these log directories, and end. The broker is to be stopped");
  app.add_option("--import-znodes", import_from,
                 "HOST:PORT[,HOST:PORT][/chroot] of a ZooKeeper: take over the Kafka cluster of one broker whose log "
                 "directories these are, and end. Kafka is to be stopped")
      ->excludes(exporting);
  app.add_flag(
      "--convert-groups-to-classic", converts_groups,
      "make classic groups, which a Kafka 3.9 broker can load, of those of the consumer protocol (KIP-848) in these "
      "log directories, and end. The broker is to be stopped");
  app.add_flag("--print-configuration-reference", reference, "print the page of all keys and end");
  app.add_flag("--print-supported-apis", apis, "print the page of all APIs and their versions and end");
  app.set_version_flag("--version", std::string("millrace-broker " MILLRACE_VERSION));
  CLI11_PARSE(app, argc, argv);
  if (reference) {
    std::fputs(server::configuration_reference().c_str(), stdout);
    return 0;
  }
  if (apis) {
    std::fputs(server::supported_apis_reference().c_str(), stdout);
    return 0;
  }
  set_log_level(parse_log_level(log_level).value_or(LogLevel::info));

  if (converts_groups) overrides.emplace_back("group.coordinator.rebalance.protocols=classic,consumer");
  auto configuration = server::load_broker_configuration(posix_file_system(), properties, overrides);
  if (!configuration) return refuse(configuration.error().message);
  if (!export_to.empty()) return transfer_znodes(*configuration, Direction::to_zookeeper, export_to);
  if (!import_from.empty()) return transfer_znodes(*configuration, Direction::from_zookeeper, import_from);
  for (const auto& warning : configuration->warnings) logger.warning(warning);
  if (converts_groups) return convert_groups(*configuration);
  return run(*configuration);
}
