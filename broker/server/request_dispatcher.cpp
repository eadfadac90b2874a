#include "broker/server/request_dispatcher.h"

#include <chrono>
#include <string>
#include <utility>

#include "broker/base/task.h"
#include "broker/metadata/metadata_cache.h"
#include "broker/protocol/message.h"
#include "broker/server/handler_list.h"
#include "broker/server/handlers/api_versions.h"
#include "broker/server/request_context.h"
#include "broker/server/waiting_fetches.h"

namespace millrace::server {
namespace {

std::string describe(const protocol::RequestHeader& header) {
  return std::string(protocol::to_string(header.api_key)) + " version " + std::to_string(header.api_version) +
         " from client '" + std::string(header.client_id.value_or("")) + "'";
}

}  // namespace

RequestDispatcher::RequestDispatcher(BrokerServices& services, MetricsRegistry& metrics)
    : services_(services),
      refused_(metrics.counter("millrace_requests_refused_total",
                               "Requests that closed their connection: unknown API or version, or unreadable")),
      too_large_(metrics.counter("millrace_request_arrays_refused_total",
                                 "Requests that closed their connection because their arrays take too much memory")),
      in_work_(services.shards.size()) {
  const std::vector<double> bounds{0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30};
  for (const auto& entry : handler_list()) {
    const MetricLabels labels{{"api", std::string(protocol::to_string(entry.key))}};
    metrics_.emplace(entry.key,
                     ApiMetrics{metrics.counter("millrace_requests_total", "Requests by API", labels),
                                metrics.histogram("millrace_request_seconds",
                                                  "Time from the request's last byte to its answer", bounds, labels)});
  }
}

void RequestDispatcher::handle(network::Request request, network::Responder responder) {
  auto frame = request.frame;
  auto decoded = protocol::decode_request_header(std::as_const(*frame).bytes());
  if (!decoded) {
    refused_.add();
    return responder.close("unreadable request header: " + decoded.error().message);
  }
  const auto& header = decoded->header;
  const auto* handler = find_handler(header.api_key);
  if (handler == nullptr || !handler->versions.contains(header.api_version)) {
    if (handler != nullptr && header.api_key == protocol::ApiKey::api_versions) {
      if (auto answer = unsupported_api_versions(header.correlation_id)) return responder.answer(std::move(*answer));
    }
    refused_.add();
    return responder.close(describe(header) + " is not supported here");
  }

  auto& shard = responder.shard();
  auto& metrics = metrics_.at(header.api_key);
  const auto received = request.received;
  auto body = std::as_const(*frame).bytes().subspan(decoded->size_bytes);
  auto owned =
      std::make_unique<RequestContext>(services_, header, std::move(request), shard, services_.cache.image(shard.id()));
  auto& context = *owned;
  auto& in_work = in_work_[shard.id()];
  auto answered = [owned = std::move(owned), responder = std::move(responder), &metrics, &in_work, received,
                   this](Result<std::optional<OutputChain>> outcome) mutable {
    if (--in_work.handlers == 0 && in_work.when_idle) std::exchange(in_work.when_idle, nullptr)();
    metrics.requests.add();
    metrics.seconds.observe(std::chrono::duration<double>(owned->shard().clock().now() - received).count());
    if (!outcome) {
      refused_.add();
      if (outcome.error().kind == ErrorKind::resource_exhausted) too_large_.add();
      return responder.close(describe(owned->header()) + ": " + outcome.error().message);
    }
    owned->quota().finish();
    const auto wait = owned->quota().wait();
    if (!outcome->has_value()) return responder.no_answer(wait);
    responder.answer(std::move(**outcome), wait);
  };
  ++in_work.handlers;
  const WorkScope scope(context.quota().account());
  spawn(handler->handle(body, context), std::move(answered));
}

void RequestDispatcher::when_idle(Shard& home, Job idle) {
  auto& in_work = in_work_[home.id()];
  if (in_work.handlers == 0) return idle();
  in_work.when_idle = std::move(idle);
}

void RequestDispatcher::closed(network::ConnectionInfo& connection) {
  services_.waiting_fetches.wake(connection.shard->id(), connection.id);
}

}  // namespace millrace::server
