// UpdateFeatures (KIP-584) as a cluster with ZooKeeper answers it: no broker has a feature that could be finalized, so each update is
// refused, with the first reason that Kafka finds (KafkaController.validateFeatureUpdate).
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/update_features.h"

namespace millrace::server {

class RequestContext;

struct UpdateFeaturesHandler {
  using Request = protocol::UpdateFeaturesRequest;
  using Response = protocol::UpdateFeaturesResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server
