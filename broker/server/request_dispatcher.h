// From a frame to its handler and back: reads the header, finds the handler, counts and times, answers. Runs on the connections'
// shards; one for the process.
#pragma once

#include <atomic>
#include <map>
#include <memory>

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

  // Handlers that have not come to their end, whether or not anybody waits for them. From any thread.
  [[nodiscard]] std::int64_t in_work() const { return in_work_; }

 private:
  struct ApiMetrics {
    MetricsRegistry::Counter requests;
    MetricsRegistry::Histogram seconds;
  };

  BrokerServices& services_;
  std::map<protocol::ApiKey, ApiMetrics> metrics_;
  MetricsRegistry::Counter refused_;
  MetricsRegistry::Counter too_large_;
  std::atomic<std::int64_t> in_work_{0};
};

}  // namespace millrace::server
