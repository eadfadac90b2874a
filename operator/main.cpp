// millrace-operator: the command line and signals. The operator itself is operator_process.h.

#include <malloc.h>
#include <pthread.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "broker/base/logging.h"
#include "broker/base/random.h"
#include "broker/base/uuid.h"
#include "operator/installation_check.h"
#include "operator/kubernetes/configuration.h"
#include "operator/operator_process.h"
#include "operator/operator_settings.h"

namespace {

using namespace millrace;

constexpr Logger logger{"operator"};

struct CommandLine {
  OperatorSettings settings;
  std::string kubeconfig;
  std::string context;
  std::string log_level = "info";
  bool all_namespaces = false;
  bool check = false;
};

int refuse(const std::string& message) {
  std::fprintf(stderr, "millrace-operator: %s\n", message.c_str());
  return 1;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

void declare(CLI::App& app, CommandLine& line) {
  auto& settings = line.settings;
  auto* some =
      app.add_option("--namespace,-n", settings.namespaces,
                     "namespace whose KafkaClusters are run, may be given many times; by default the operator's own");
  app.add_flag("--all-namespaces,-A", line.all_namespaces, "run the KafkaClusters of every namespace")->excludes(some);
  app.add_option("--broker-image", settings.broker_image, "image of brokers whose KafkaCluster names none")
      ->default_str("millrace-broker:" MILLRACE_VERSION);
  app.add_flag("--leader-elect", settings.elect_leader,
               "act only while holding a Lease, for several operators side by side");
  app.add_option("--lease-name", settings.lease_name, "name of that Lease")->capture_default_str();
  app.add_option("--lease-namespace", settings.lease_namespace,
                 "namespace of that Lease; by default the operator's own");
  app.add_option("--workers", settings.workers, "clusters that are worked on at one time")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--http-port,--metrics-port", settings.http_port,
                 "port of /metrics, /livez and /readyz; 0 takes a free one")
      ->capture_default_str();
  app.add_option("--http-address", settings.http_host, "address of that port; by default every one");
  app.add_option("--kubeconfig", line.kubeconfig,
                 "file that says where the API server is; by default $KUBECONFIG, else the pod's account");
  app.add_option("--context", line.context, "context of that file");
  app.add_option("--log-level", line.log_level, "trace, debug, info, warning or error")
      ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error"}))
      ->capture_default_str();
  app.set_version_flag("--version", std::string("millrace-operator " MILLRACE_VERSION));
  app.add_subcommand("check", "see whether the API server is as the operator needs it, and end")->callback([&line] {
    line.check = true;
  });
}

Result<kubernetes::ClientConfiguration> find_api_server(const CommandLine& line) {
  if (line.kubeconfig.empty() && line.context.empty()) return kubernetes::find_configuration();
  auto path = line.kubeconfig.empty() ? environment("KUBECONFIG") : line.kubeconfig;
  return kubernetes::kubeconfig_configuration(path, line.context);
}

void complete(CommandLine& line, const kubernetes::ClientConfiguration& configuration) {
  auto& settings = line.settings;
  auto home = environment("POD_NAMESPACE");
  if (home.empty()) home = configuration.namespace_name;
  if (line.all_namespaces) {
    settings.namespaces.clear();
  } else if (settings.namespaces.empty()) {
    settings.namespaces.push_back(home);
  }
  if (settings.lease_namespace.empty()) settings.lease_namespace = home;
  if (settings.broker_image.empty()) settings.broker_image = "millrace-broker:" MILLRACE_VERSION;
  // A pod's name comes again when its container is started again, and a Lease must tell the two apart.
  SystemRandom random;
  auto name = environment("POD_NAME");
  settings.identity = (name.empty() ? "millrace-operator" : name) + "_" + to_string(Uuid::random(random));
}

// Threads that are started later inherit the mask: the signals come to sigwait alone.
sigset_t block_stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

int run(const CommandLine& line, const kubernetes::ClientConfiguration& configuration) {
  const auto signals = block_stop_signals();
  OperatorProcess process(line.settings);
  logger.info("operator " MILLRACE_VERSION ", API server " + configuration.server + " from " + configuration.origin +
              ", brokers from " + line.settings.broker_image);
  if (auto started = process.start(configuration); !started) {
    process.stop();
    return refuse(started.error().message);
  }
  int signal = 0;
  sigwait(&signals, &signal);
  logger.info("stopping");
  process.stop();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  // Many threads that seldom run: an arena for each would keep what a burst left behind.
  mallopt(M_ARENA_MAX, 2);
  CLI::App app("Millrace operator: runs Kafka-compatible clusters on Kubernetes");
  CommandLine line;
  declare(app, line);
  CLI11_PARSE(app, argc, argv);
  set_log_level(parse_log_level(line.log_level).value_or(LogLevel::info));
  auto configuration = find_api_server(line);
  if (!configuration) return refuse(configuration.error().message);
  complete(line, *configuration);
  if (line.check) return check_installation(*configuration, line.settings) ? 0 : 1;
  return run(line, *configuration);
}
