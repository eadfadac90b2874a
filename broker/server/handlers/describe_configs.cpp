#include "broker/server/handlers/describe_configs.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/turn_slices.h"
#include "broker/controller/topic_name.h"
#include "broker/metadata/cluster_image.h"
#include "broker/server/answer_memory.h"
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
using EntriesPointer = std::shared_ptr<const Entries>;

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

Entries describe_loggers() {
  Entries entries;
  for (auto& [name, level] : logger_levels()) {
    auto& entry = entries.emplace_back();
    entry.name = std::move(name);
    entry.value = std::move(level);
    entry.source = ConfigSource::dynamic_broker_logger;
  }
  return entries;
}

// What one request asks for. A request that names a resource again and again makes its description once.
class Describer {
 public:
  Describer(const DescribeConfigsRequest& request, RequestContext& context)
      : request_(request), context_(context), layers_(context.configuration()), topics_(layers_) {}

  Answer describe(const Wanted& wanted) {
    switch (wanted.resource_type) {
      case ConfigResourceType::topic:
        return describe_topic(wanted);
      case ConfigResourceType::broker:
        return describe_broker(wanted);
      case ConfigResourceType::broker_logger:
        return describe_loggers(wanted);
      default:
        return refuse(
            wanted, ErrorCode::invalid_request,
            context_.keep("Unsupported resource type: " + std::to_string(static_cast<int>(wanted.resource_type)) +
                          ", allowed are 2 (topic), 4 (broker) and 8 (broker logger)"));
    }
  }

 private:
  Answer describe_topic(const Wanted& wanted) {
    if (auto checked = controller::check_topic_name(wanted.resource_name); !checked)
      return refuse(wanted, ErrorCode::invalid_topic_exception, context_.keep(checked.error().message));
    if (!context_.image().topic(wanted.resource_name)) return refuse(wanted, ErrorCode::unknown_topic_or_partition);
    return answer_of(wanted, topics_.of(*context_.image().topic_config(wanted.resource_name)));
  }

  Answer describe_broker(const Wanted& wanted) {
    if (wanted.resource_name.empty())
      return answer_of(wanted, once(defaults_, [this] { return describe_broker_defaults(*layers_); }));
    if (auto wrong = wrong_broker(wanted.resource_name, context_.services().broker_id, " or empty string,"))
      return refuse(wanted, ErrorCode::invalid_request, context_.keep(std::move(*wrong)));
    return answer_of(wanted, once(broker_, [this] { return server::describe_broker(*layers_); }));
  }

  Answer describe_loggers(const Wanted& wanted) {
    if (wanted.resource_name.empty()) return refuse(wanted, ErrorCode::invalid_request, "Broker id must not be empty");
    if (auto wrong = wrong_broker(wanted.resource_name, context_.services().broker_id, ""))
      return refuse(wanted, ErrorCode::invalid_request, context_.keep(std::move(*wrong)));
    return answer_of(wanted, once(loggers_, [] { return server::describe_loggers(); }));
  }

  template <class Describe>
  static const EntriesPointer& once(EntriesPointer& described, Describe describe) {
    if (!described) described = std::make_shared<const Entries>(describe());
    return described;
  }

  // The answer views `entries`, which the context keeps.
  Answer answer_of(const Wanted& wanted, const EntriesPointer& entries) {
    context_.keep(entries);
    auto answer = refuse(wanted, ErrorCode::none);
    const auto& keys = wanted.configuration_keys;
    const bool all = !keys || keys->empty();
    if (all) answer.configs.reserve(entries->size());
    for (const auto& entry : *entries) {
      if (!all && std::ranges::find(*keys, entry.name) == keys->end()) continue;
      add(entry, answer);
    }
    return answer;
  }

  void add(const ConfigEntry& entry, Answer& answer) const {
    auto& config = answer.configs.emplace_back();
    config.name = entry.name;
    config.value = view(entry.value);
    config.read_only = entry.read_only;
    if (context_.version() == 0) config.is_default = entry.is_default;
    config.config_source = entry.source;
    config.is_sensitive = entry.is_sensitive;
    config.config_type = entry.type;
    const bool documented = request_.include_documentation && !entry.documentation.empty();
    config.documentation = documented ? protocol::NullableString(entry.documentation) : std::nullopt;
    if (!request_.include_synonyms) return;
    for (const auto& synonym : entry.synonyms)
      config.synonyms.push_back({synonym.name, view(synonym.value), synonym.source});
  }

  const DescribeConfigsRequest& request_;
  RequestContext& context_;
  const std::shared_ptr<const BrokerConfigLayers> layers_;
  TopicDescriptions topics_;
  EntriesPointer broker_;
  EntriesPointer defaults_;
  EntriesPointer loggers_;
};

// What the answer takes, encoded too.
std::uint64_t bytes_of(const Answer& answer) {
  auto size_of = [](const protocol::NullableString& text) { return text ? text->size() : 0; };
  std::uint64_t bytes = sizeof(Answer) + answer.configs.capacity() * sizeof(Answer::Config);
  for (const auto& config : answer.configs) {
    bytes += config.name.size() + size_of(config.value) + size_of(config.documentation);
    for (const auto& synonym : config.synonyms) bytes += sizeof synonym + synonym.name.size() + size_of(synonym.value);
  }
  return bytes;
}

}  // namespace

Task<Result<std::optional<DescribeConfigsResponse>>> DescribeConfigsHandler::handle(const Request& request,
                                                                                    RequestContext& context) {
  Response response;
  Describer describer(request, context);
  TurnSlices slices(context.shard());
  AnswerMemory memory(context);
  for (const auto& wanted : request.resources) {
    co_await slices.next();
    response.results.push_back(describer.describe(wanted));
    if (auto paid = memory.add(bytes_of(response.results.back())); !paid) co_return tl::unexpected(paid.error());
  }
  co_return response;
}

}  // namespace millrace::server
