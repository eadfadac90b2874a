// DescribeCluster: the cluster's id, controller and brokers, with the addresses of the listener that was asked (KIP-700).
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/describe_cluster.h"

namespace millrace::server {

class RequestContext;

struct DescribeClusterHandler {
  using Request = protocol::DescribeClusterRequest;
  using Response = protocol::DescribeClusterResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
