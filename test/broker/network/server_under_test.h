// A server on port 0 with a handler made of lambdas, and its metrics to look at.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "broker/base/metrics.h"
#include "broker/network/network_server.h"
#include "test/broker/network/raw_client.h"

namespace millrace::network {

class LambdaHandler final : public RequestHandler {
 public:
  using Handle = std::function<void(Request, Responder)>;
  explicit LambdaHandler(Handle handle) : handle_(std::move(handle)) {}
  void handle(Request request, Responder responder) override {
    ++handled;
    handle_(std::move(request), std::move(responder));
  }
  void closed(ConnectionInfo&) override { ++closed_connections; }

  std::atomic<int> handled{0};
  std::atomic<int> closed_connections{0};

 private:
  Handle handle_;
};

inline OutputChain chain_of(std::string_view text) {
  OutputChain chain;
  chain.append(OutputChain::Buffer(text.begin(), text.end()));
  return chain;
}

inline void echo(const Request& request, Responder responder) {
  responder.answer(chain_of(as_text(request.frame->bytes())));
}

// The number after `name` (with labels) in the metrics' text; 0 when it is not there.
inline double metric(const MetricsRegistry& metrics, const std::string& name) {
  auto text = "\n" + metrics.text();
  auto at = text.find("\n" + name + " ");
  return at == std::string::npos ? 0 : std::stod(text.substr(at + name.size() + 2));
}

struct ServerUnderTest {
  explicit ServerUnderTest(LambdaHandler::Handle handle, NetworkConfig config = {}, std::size_t shards = 2,
                           ListenerConfig listener = {})
      : handler(std::move(handle)) {
    auto started = ShardRuntime::start({.shards = shards, .blocking_threads_max = 4}, metrics);
    EXPECT_TRUE(started.has_value()) << started.error().message;
    runtime = std::move(*started);
    auto made = NetworkServer::create(*runtime, config, handler, metrics);
    EXPECT_TRUE(made.has_value()) << made.error().message;
    server = std::move(*made);
    if (listener.name.empty()) listener.name = "PLAINTEXT";
    if (listener.host.empty()) listener.host = "127.0.0.1";
    auto bound = server->add_listener(listener);
    EXPECT_TRUE(bound.has_value()) << bound.error().message;
    port = *bound;
    EXPECT_TRUE(server->start().has_value());
  }

  [[nodiscard]] double closed_by(const std::string& reason) const {
    return metric(metrics, "millrace_connections_closed_total{reason=\"" + reason + "\"}");
  }
  [[nodiscard]] double refused_by(const std::string& reason) const {
    return metric(metrics, "millrace_connections_refused_total{reason=\"" + reason + "\"}");
  }

  MetricsRegistry metrics;
  LambdaHandler handler;
  std::unique_ptr<ShardRuntime> runtime;
  std::unique_ptr<NetworkServer> server;
  std::uint16_t port = 0;
};

}  // namespace millrace::network
