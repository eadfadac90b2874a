#include "broker/server/handlers/describe_configs.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/controller/topic_name.h"
#include "broker/metadata/cluster_image.h"
#include "broker/server/configuration/broker_description.h"
#include "broker/server/configuration/topic_description.h"
#include "broker/server/request_context.h"

namespace millrace::server {
namespace {

using protocol::ConfigResourceType;
using protocol::DescribeConfigsRequest;
using protocol::DescribeConfigsResponse;
using protocol::ErrorCode;
using Wanted = DescribeConfigsRequest::Resource;
using Answer = DescribeConfigsResponse::Resource;
using Entries = std::vector<ConfigEntry>;

Answer refuse(const Wanted& wanted, ErrorCode code, protocol::NullableString message = "") {
  Answer answer;
  answer.error_code = code;
  answer.error_message = message;
  answer.resource_type = wanted.resource_type;
  answer.resource_name = wanted.resource_name;
  return answer;
}

protocol::NullableString view(const std::optional<std::string>& text) {
  return text ? protocol::NullableString(*text) : std::nullopt;
}

// The answer views `entries`, which the context keeps.
Answer answer_of(const Wanted& wanted, const DescribeConfigsRequest& request, Entries described,
                 RequestContext& context) {
  auto entries = std::make_shared<const Entries>(std::move(described));
  context.keep(entries);
  auto answer = refuse(wanted, ErrorCode::none);
  for (const auto& entry : *entries) {
    const auto& keys = wanted.configuration_keys;
    if (keys && !keys->empty() && std::ranges::find(*keys, entry.name) == keys->end()) continue;
    auto& config = answer.configs.emplace_back();
    config.name = entry.name;
    config.value = view(entry.value);
    config.read_only = entry.read_only;
    if (context.version() == 0) config.is_default = entry.is_default;
    config.config_source = entry.source;
    config.is_sensitive = entry.is_sensitive;
    config.config_type = entry.type;
    config.documentation = request.include_documentation ? protocol::NullableString(entry.documentation) : std::nullopt;
    if (!request.include_synonyms) continue;
    for (const auto& synonym : entry.synonyms)
      config.synonyms.push_back({synonym.name, view(synonym.value), synonym.source});
  }
  return answer;
}

Answer describe_topic_resource(const Wanted& wanted, const DescribeConfigsRequest& request, RequestContext& context) {
  if (auto checked = controller::check_topic_name(wanted.resource_name); !checked) {
    return refuse(wanted, ErrorCode::invalid_topic_exception, context.keep(checked.error().message));
  }
  if (!context.image().topic(wanted.resource_name)) return refuse(wanted, ErrorCode::unknown_topic_or_partition);
  auto overrides = context.image().topic_config(wanted.resource_name);
  return answer_of(wanted, request, describe_topic(context.services().configuration_layers, *overrides), context);
}

Answer describe_broker_resource(const Wanted& wanted, const DescribeConfigsRequest& request, RequestContext& context) {
  const auto& layers = context.services().configuration_layers;
  if (wanted.resource_name.empty()) return answer_of(wanted, request, describe_broker_defaults(layers), context);
  const auto own_id = std::to_string(context.services().broker_id.value());
  std::int32_t number = 0;
  auto [end, error] =
      std::from_chars(wanted.resource_name.data(), wanted.resource_name.data() + wanted.resource_name.size(), number);
  if (error != std::errc{} || end != wanted.resource_name.data() + wanted.resource_name.size()) {
    return refuse(wanted, ErrorCode::invalid_request,
                  context.keep("Broker id must be an integer, but it is: " + std::string(wanted.resource_name)));
  }
  if (wanted.resource_name == own_id) return answer_of(wanted, request, describe_broker(layers), context);
  return refuse(wanted, ErrorCode::invalid_request,
                context.keep("Unexpected broker id, expected " + own_id + " or empty string, but received " +
                             std::string(wanted.resource_name)));
}

}  // namespace

Task<Result<std::optional<DescribeConfigsResponse>>> DescribeConfigsHandler::handle(const Request& request,
                                                                                    RequestContext& context) {
  Response response;
  for (const auto& wanted : request.resources) {
    switch (wanted.resource_type) {
      case ConfigResourceType::topic:
        response.results.push_back(describe_topic_resource(wanted, request, context));
        break;
      case ConfigResourceType::broker:
        response.results.push_back(describe_broker_resource(wanted, request, context));
        break;
      default:
        response.results.push_back(
            refuse(wanted, ErrorCode::invalid_request,
                   context.keep("Unsupported resource type: " + std::to_string(static_cast<int>(wanted.resource_type)) +
                                ", allowed are 2 (topic) and 4 (broker)")));
    }
  }
  co_return response;
}

}  // namespace millrace::server
