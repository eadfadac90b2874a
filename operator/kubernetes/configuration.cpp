#include "operator/kubernetes/configuration.h"

#include <cstdlib>
#include <fstream>
#include <system_error>

namespace millrace::kubernetes {

namespace {

constexpr std::size_t file_bytes_max = 1 << 20;

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0') return std::nullopt;
    return std::string(value);
  };
}

Result<std::string> read_small_file(const std::filesystem::path& path, const std::string& entry) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    std::error_code reason(errno, std::generic_category());
    return fail(errno == ENOENT ? ErrorKind::not_found : ErrorKind::io,
                entry + ": cannot read " + path.string() + ": " + reason.message());
  }
  std::string content(file_bytes_max + 1, '\0');
  stream.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(stream.gcount()));
  if (stream.bad() || content.empty())
    return fail(ErrorKind::io, entry + ": " + path.string() + " is empty or cannot be read");
  if (content.size() > file_bytes_max)
    return fail(ErrorKind::invalid_argument, entry + ": " + path.string() + " is longer than 1 MiB");
  content.shrink_to_fit();
  return content;
}

Result<ClientConfiguration> in_cluster_configuration(const Environment& environment,
                                                     const std::filesystem::path& service_account) {
  const std::string origin = "the pod's service account";
  std::optional<std::string> host = environment("KUBERNETES_SERVICE_HOST");
  std::optional<std::string> port = environment("KUBERNETES_SERVICE_PORT");
  if (!host || !port) {
    return fail(ErrorKind::unavailable,
                origin + ": KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is not a pod");
  }
  ClientConfiguration configuration;
  configuration.origin = origin;
  // The HTTP library takes no IPv6 literal; the API server's certificate is valid for this name in every cluster.
  bool ipv6 = host->find(':') != std::string::npos;
  configuration.server = "https://" + (ipv6 ? std::string("kubernetes.default.svc") : *host) + ":" + *port;
  auto authority = read_small_file(service_account / "ca.crt", origin);
  if (!authority) return tl::unexpected<Error>(authority.error());
  configuration.authority_pem = std::move(*authority);
  configuration.token_file = service_account / "token";
  if (auto token = read_small_file(configuration.token_file, origin); !token)
    return tl::unexpected<Error>(token.error());
  if (auto name = read_small_file(service_account / "namespace", origin)) {
    while (!name->empty() && name->back() == '\n') name->pop_back();
    configuration.namespace_name = *name;
  }
  return configuration;
}

Result<ClientConfiguration> find_configuration(const Environment& environment) {
  if (auto paths = environment("KUBECONFIG")) return kubeconfig_configuration(*paths);
  if (environment("KUBERNETES_SERVICE_HOST")) return in_cluster_configuration(environment);
  std::optional<std::string> home = environment("HOME");
  if (!home) return fail(ErrorKind::not_found, "no cluster: set KUBECONFIG, or run in a pod");
  std::filesystem::path path = std::filesystem::path(*home) / ".kube" / "config";
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    return fail(ErrorKind::not_found,
                "no cluster: KUBECONFIG is not set, " + path.string() + " is not there, and this is not a pod");
  }
  return kubeconfig_configuration(path.string());
}

}  // namespace millrace::kubernetes
