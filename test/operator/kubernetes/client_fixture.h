// A client of a scripted server.
#pragma once

#include <memory>
#include <utility>

#include "operator/kubernetes/client.h"
#include "test/operator/kubernetes/scripted_server.h"

namespace millrace::kubernetes {

inline std::unique_ptr<KubernetesClient> client_of(const ScriptedServer& server, const ClientOptions& options = {},
                                                   ClientConfiguration configuration = {}) {
  static const SystemClock clock;
  if (configuration.server.empty()) configuration.server = server.url();
  auto client = KubernetesClient::make(configuration, clock, options);
  return client ? std::move(*client) : nullptr;
}

}  // namespace millrace::kubernetes
