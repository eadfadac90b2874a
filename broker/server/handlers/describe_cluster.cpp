#include "broker/server/handlers/describe_cluster.h"

#include <string>

#include "broker/metadata/cluster_image.h"
#include "broker/server/authorized_operations.h"
#include "broker/server/request_context.h"

namespace millrace::server {

using protocol::ErrorCode;

Task<Result<std::optional<protocol::DescribeClusterResponse>>> DescribeClusterHandler::handle(const Request& request,
                                                                                              RequestContext& context) {
  constexpr std::int8_t brokers = 1;
  constexpr std::int8_t controllers = 2;
  Response response;
  if (request.endpoint_type != brokers) {
    response.error_code = request.endpoint_type == controllers ? ErrorCode::mismatched_endpoint_type
                                                               : ErrorCode::unsupported_endpoint_type;
    response.error_message =
        request.endpoint_type == controllers
            ? "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER"
            : context.keep("Unsupported endpoint type " + std::to_string(request.endpoint_type));
    co_return response;
  }
  response.cluster_id = context.services().cluster_id;
  const auto& image = context.image();
  response.controller_id = image.controller().value_or(BrokerId::none());
  for (const auto& [id, broker] : image.brokers()) {
    const auto* endpoint = broker->endpoint(context.listener());
    if (endpoint == nullptr) continue;
    auto& described = response.brokers.emplace_back();
    described.broker_id = id;
    described.host = endpoint->host;
    described.port = endpoint->port;
    if (broker->rack) described.rack = *broker->rack;
  }
  if (request.include_cluster_authorized_operations) response.cluster_authorized_operations = all_cluster_operations;
  co_return response;
}

}  // namespace millrace::server
