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
#include "broker/server/logger_levels.h"
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
    const bool documented = request.include_documentation && !entry.documentation.empty();
    config.documentation = documented ? protocol::NullableString(entry.documentation) : std::nullopt;
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
  return answer_of(wanted, request, describe_topic(*context.configuration(), *overrides), context);
}

std::optional<std::int32_t> integer_of(std::string_view text) {
  std::int32_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Brokers answer for themselves alone. `else_allowed` is what else Kafka's message allows.
std::optional<std::string> wrong_broker(std::string_view name, BrokerId self, std::string_view else_allowed) {
  auto id = integer_of(name);
  if (!id) return "Broker id must be an integer, but it is: " + std::string(name);
  if (BrokerId(*id) == self) return std::nullopt;
  return "Unexpected broker id, expected " + std::to_string(self.value()) + std::string(else_allowed) +
         " but received " + std::string(name);
}

Answer describe_broker_resource(const Wanted& wanted, const DescribeConfigsRequest& request, RequestContext& context) {
  const auto layers = context.configuration();
  if (wanted.resource_name.empty()) return answer_of(wanted, request, describe_broker_defaults(*layers), context);
  if (auto wrong = wrong_broker(wanted.resource_name, context.services().broker_id, " or empty string,"))
    return refuse(wanted, ErrorCode::invalid_request, context.keep(std::move(*wrong)));
  return answer_of(wanted, request, describe_broker(*layers), context);
}

Answer describe_loggers(const Wanted& wanted, const DescribeConfigsRequest& request, RequestContext& context) {
  if (wanted.resource_name.empty()) return refuse(wanted, ErrorCode::invalid_request, "Broker id must not be empty");
  if (auto wrong = wrong_broker(wanted.resource_name, context.services().broker_id, ""))
    return refuse(wanted, ErrorCode::invalid_request, context.keep(std::move(*wrong)));
  Entries entries;
  for (auto& [name, level] : logger_levels()) {
    auto& entry = entries.emplace_back();
    entry.name = std::move(name);
    entry.value = std::move(level);
    entry.source = ConfigSource::dynamic_broker_logger;
  }
  return answer_of(wanted, request, std::move(entries), context);
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
      case ConfigResourceType::broker_logger:
        response.results.push_back(describe_loggers(wanted, request, context));
        break;
      default:
        response.results.push_back(
            refuse(wanted, ErrorCode::invalid_request,
                   context.keep("Unsupported resource type: " + std::to_string(static_cast<int>(wanted.resource_type)) +
                                ", allowed are 2 (topic), 4 (broker) and 8 (broker logger)")));
    }
  }
  co_return response;
}

}  // namespace millrace::server
