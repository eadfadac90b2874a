#include "broker/network/network_context.h"

namespace millrace::network {

std::string_view to_string(CloseReason reason) {
  switch (reason) {
    case CloseReason::peer_closed:
      return "peer_closed";
    case CloseReason::peer_reset:
      return "peer_reset";
    case CloseReason::idle:
      return "idle";
    case CloseReason::no_first_request:
      return "no_first_request";
    case CloseReason::slow_sender:
      return "slow_sender";
    case CloseReason::slow_sender_under_memory_pressure:
      return "slow_sender_under_memory_pressure";
    case CloseReason::slow_reader:
      return "slow_reader";
    case CloseReason::bad_frame_length:
      return "bad_frame_length";
    case CloseReason::out_of_memory:
      return "out_of_memory";
    case CloseReason::closed_by_handler:
      return "closed_by_handler";
    case CloseReason::request_dropped:
      return "request_dropped";
    case CloseReason::answer_too_large:
      return "answer_too_large";
    case CloseReason::file_ended_early:
      return "file_ended_early";
    case CloseReason::io_error:
      return "io_error";
    case CloseReason::shutdown:
      return "shutdown";
  }
  return "unknown";
}

NetworkContext::NetworkContext(const NetworkConfig& network_config, RequestHandler& request_handler,
                               MetricsRegistry& registry)
    : config(network_config),
      handler(request_handler),
      metrics(registry),
      client_memory(MemoryBudget::make(config.queued_max_request_bytes)),
      reserved_memory(MemoryBudget::make(config.reserved_request_bytes)),
      unauthenticated_memory(MemoryBudget::make(config.unauthenticated_request_bytes)),
      limits(std::make_shared<ConnectionLimits>(config)),
      rates(config.connection_rates, registry),
      log(Logger{"network"}) {
  for (std::size_t reason = 0; reason < close_reasons; ++reason) {
    closed[reason] = registry.counter("millrace_connections_closed_total", "Connections that ended, by reason",
                                      {{"reason", std::string(to_string(static_cast<CloseReason>(reason)))}});
  }
  // There from the start, so that a rate of none is seen as none.
  for (auto limit :
       {"connection_creation_rate", "max_connections", "max_connections_per_ip", "max_reserved_connections"}) {
    registry.counter("millrace_connections_refused_total", "Connections closed at once, by the limit that was met",
                     {{"reason", limit}});
  }
  accept_errors = registry.counter("millrace_accept_errors_total", "Failures of accept, such as too many open files");
  memory_waits = registry.counter("millrace_request_memory_waits_total",
                                  "Times a connection stopped reading until request memory was free");
  std::string used = "millrace_request_memory_bytes";
  std::string help = "Bytes of requests in flight, by budget";
  client_memory_used = registry.gauge(used, help, {{"budget", "clients"}});
  reserved_memory_used = registry.gauge(used, help, {{"budget", "reserved"}});
  unauthenticated_memory_used = registry.gauge(used, help, {{"budget", "unauthenticated"}});
}

}  // namespace millrace::network
