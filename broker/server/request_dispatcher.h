// From a frame to its handler and back: reads the header, finds the handler, counts and times, answers. Runs on the connections'
// shards; one for the process.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <vector>

#include "broker/base/metrics.h"
#include "broker/network/request_handler.h"
#include "broker/protocol/api_key.h"
#include "broker/server/broker_services.h"

namespace millrace::server {

class RequestDispatcher final : public network::RequestHandler {
 public:
  RequestDispatcher(BrokerServices& services, MetricsRegistry& metrics);

  void handle(network::Request request, network::Responder responder) override;
  void closed(network::ConnectionInfo& connection) override;

  // Calls `idle` when no handler of `home`'s connections is in work, whether or not anybody waits for what they do; at once
  // where none is. From home's tasks, once: at the stop.
  void when_idle(Shard& home, Job idle);

 private:
  struct ApiMetrics {
    MetricsRegistry::Counter requests;
    MetricsRegistry::Histogram seconds;
  };

  // One shard's, which alone touches it: no two share a cache line.
  struct alignas(64) InWork {
    std::size_t handlers = 0;
    Job when_idle;
  };

  BrokerServices& services_;
  std::map<protocol::ApiKey, ApiMetrics> metrics_;
  MetricsRegistry::Counter refused_;
  MetricsRegistry::Counter too_large_;
  std::vector<InWork> in_work_;  // by shard
};

}  // namespace millrace::server
