// Where the API server is and who we are to it: from the pod we run in, or from a kubeconfig file.
// Errors name the file, the entry and what is allowed. Source:
// kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "broker/base/result.h"

namespace millrace::kubernetes {

struct ClientConfiguration {
  std::string server{};  // https://host:port or http://host:port, perhaps with a path
  std::string namespace_name = "default";

  std::string authority_pem{};  // empty: the system's authorities
  bool verify_server = true;
  std::string tls_server_name{};  // what the server's certificate must say, where it is not the host of `server`

  std::string client_certificate_pem{};  // both or none
  std::string client_key_pem{};

  std::string token{};                 // a fixed bearer token, or
  std::filesystem::path token_file{};  // a file that is read again each minute, because kubelets rotate it

  std::string origin{};  // for messages: "the pod's service account", "context a of /root/.kube/config"
};

// For the sources of configuration: a file of at most 1 MiB. `entry` stands in front of the error.
[[nodiscard]] Result<std::string> read_small_file(const std::filesystem::path& path, const std::string& entry);

using Environment = std::function<std::optional<std::string>(const std::string& name)>;
[[nodiscard]] Environment process_environment();

// $KUBECONFIG if set, else the pod's service account if there is one, else ~/.kube/config.
[[nodiscard]] Result<ClientConfiguration> find_configuration(const Environment& environment = process_environment());

[[nodiscard]] Result<ClientConfiguration> in_cluster_configuration(
    const Environment& environment,
    const std::filesystem::path& service_account = "/var/run/secrets/kubernetes.io/serviceaccount");

// `paths` as in $KUBECONFIG: files separated by colons, of which the first that has an entry wins. `context` empty: the
// current one.
[[nodiscard]] Result<ClientConfiguration> kubeconfig_configuration(const std::string& paths,
                                                                   const std::string& context = "");

}  // namespace millrace::kubernetes
