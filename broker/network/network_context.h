// What all connections of a server share. Lives as long as the last of them. Internal to the network layer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "broker/base/metrics.h"
#include "broker/network/connection_limits.h"
#include "broker/network/log_limiter.h"
#include "broker/network/memory_budget.h"
#include "broker/network/network_config.h"
#include "broker/network/request_handler.h"

namespace millrace::network {

// Why a connection ended; the label `reason` of millrace_connections_closed_total.
enum class CloseReason : std::uint8_t {
  peer_closed,
  peer_reset,
  idle,
  no_first_request,
  slow_sender,
  slow_sender_under_memory_pressure,
  slow_reader,
  bad_frame_length,
  out_of_memory,
  closed_by_handler,
  request_dropped,
  answer_too_large,
  file_ended_early,
  io_error,
  shutdown,
};
constexpr std::size_t close_reasons = 15;

std::string_view to_string(CloseReason reason);

struct NetworkContext {
  NetworkContext(const NetworkConfig& network_config, RequestHandler& request_handler, MetricsRegistry& registry);

  const NetworkConfig config;
  RequestHandler& handler;
  MetricsRegistry& metrics;
  const std::shared_ptr<MemoryBudget> client_memory;
  const std::shared_ptr<MemoryBudget> reserved_memory;
  const std::shared_ptr<MemoryBudget> unauthenticated_memory;
  const std::shared_ptr<ConnectionLimits> limits;
  security::ConnectionRates rates;
  LogLimiter log;
  std::array<MetricsRegistry::Counter, close_reasons> closed;
  MetricsRegistry::Counter accept_errors;
  MetricsRegistry::Counter memory_waits;
  MetricsRegistry::Gauge client_memory_used;
  MetricsRegistry::Gauge reserved_memory_used;
  MetricsRegistry::Gauge unauthenticated_memory_used;
};

}  // namespace millrace::network
