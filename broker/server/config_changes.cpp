#include "broker/server/config_changes.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "broker/controller/config_commands.h"
#include "broker/metadata/cluster_image.h"
#include "broker/metadata/metadata_cache.h"
#include "broker/server/configuration/current_configuration.h"
#include "broker/server/image_waits.h"
#include "broker/server/logger_levels.h"
#include "broker/server/request_context.h"

namespace millrace::server {
namespace {

using protocol::ConfigResourceType;
using protocol::ErrorCode;
using Refusal = std::optional<ConfigRefusal>;
using Edited = tl::expected<ConfigTexts, ConfigRefusal>;
// What is set becomes what shall be set. On the metadata shard.
using Edit = std::function<Edited(const ConfigTexts& now)>;

// A change is written when it is answered; that it also shows here is a courtesy that has an end.
constexpr auto show_patience = std::chrono::seconds(5);

Refusal refuse(ErrorCode code, std::string message) { return ConfigRefusal{code, std::move(message)}; }

Refusal refusal_of(const Error& error) {
  const bool invalid = error.kind == ErrorKind::invalid_argument;
  return refuse(invalid ? ErrorCode::invalid_request : ErrorCode::unknown_server_error, error.message);
}

Task<Refusal> write(RequestContext& context, metadata::ConfigOwner owner, Edit edit, bool validate_only) {
  auto& services = context.services();
  auto& home = context.shard();
  // Written by the edit on the metadata shard, read here when the command is over.
  auto refusal = std::make_shared<Refusal>();
  auto command = [edit = std::move(edit), refusal](const metadata::ConfigMap& now) -> Result<metadata::ConfigMap> {
    auto edited = edit(now);
    if (edited) return std::move(*edited);
    *refusal = std::move(edited.error());
    return fail(ErrorKind::invalid_argument, "refused");
  };
  auto outcome =
      co_await completion<Result<metadata::ConfigMap>>([&](UniqueFunction<void(Result<metadata::ConfigMap>)> done) {
        services.metadata_shard.post(
            [&services, &home, owner, command = std::move(command), validate_only, done = std::move(done)]() mutable {
              auto back = [&home, done = std::move(done)](Result<metadata::ConfigMap> result) mutable {
                home.post([done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
              };
              auto& commands = services.config_commands;
              validate_only ? commands.preview(owner, std::move(command), std::move(back))
                            : commands.change(owner, std::move(command), std::move(back));
            });
      });
  if (!outcome) co_return *refusal ? std::move(*refusal) : refusal_of(outcome.error());
  if (validate_only) co_return std::nullopt;
  auto shows = [owner, written = std::move(*outcome)](const metadata::ClusterImage& image) {
    return *image.config(owner) == written;
  };
  (void)co_await services.image_waits.until(home, shows, show_patience);
  co_return std::nullopt;
}

Task<Refusal> alter_topic_resource(RequestContext& context, ResourceAlteration& resource, bool validate_only) {
  if (resource.name.empty()) co_return refuse(ErrorCode::invalid_request, "Default topic resources are not allowed.");
  auto& services = context.services();
  auto edit = [&services, topic = resource.name, alteration = std::move(resource.alteration)](const ConfigTexts& now) {
    const auto shard = services.metadata_shard.id();
    const auto& values = services.current_configuration.of(shard)->values();
    auto next = alter_topic(values, topic, now, alteration);
    const bool is_there = services.cache.image(shard)->topic(topic) != nullptr;
    // What cannot be understood is told first, as Kafka does.
    const bool is_understood = next || next.error().code != ErrorCode::unknown_server_error;
    if (is_there || !is_understood) return next;
    return Edited(tl::unexpect,
                  ConfigRefusal{ErrorCode::unknown_topic_or_partition, "The topic '" + topic + "' does not exist."});
  };
  co_return co_await write(context, metadata::ConfigOwner::topic(resource.name), std::move(edit), validate_only);
}

// As Java reads an integer.
std::optional<std::int32_t> integer_of(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  std::int32_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// `wrong` is what Kafka says of another broker.
Refusal check_broker(BrokerId self, const std::string& name, const std::string& wrong) {
  auto id = integer_of(name);
  if (!id) return refuse(ErrorCode::invalid_request, "Node id must be an integer, but it is: " + name);
  if (BrokerId(*id) != self) return refuse(ErrorCode::invalid_request, wrong);
  return std::nullopt;
}

Task<Refusal> alter_broker_resource(RequestContext& context, ResourceAlteration& resource, bool validate_only) {
  auto& services = context.services();
  const auto self = services.broker_id;
  auto level = BrokerConfigLevel::all_brokers;
  auto owner = metadata::ConfigOwner::all_brokers();
  if (!resource.name.empty()) {
    const auto wrong =
        "Unexpected broker id, expected " + std::to_string(self.value()) + ", but received " + resource.name;
    if (auto refusal = check_broker(self, resource.name, wrong)) co_return refusal;
    level = BrokerConfigLevel::one_broker;
    owner = metadata::ConfigOwner::broker(self);
  }
  auto edit = [&services, level, name = resource.name, validate_only,
               alteration = std::move(resource.alteration)](const ConfigTexts& now) {
    auto current = services.current_configuration.of(services.metadata_shard.id());
    auto next = alter_broker(*current, level, now, alteration);
    if (!next || validate_only) return next;
    if (auto refusal = refuse_secrets(level, name, *next)) return Edited(tl::unexpect, std::move(*refusal));
    return next;
  };
  co_return co_await write(context, owner, std::move(edit), validate_only);
}

Refusal alter_loggers(RequestContext& context, const ResourceAlteration& resource, bool validate_only) {
  const auto self = context.services().broker_id;
  // Kafka tells its own number twice.
  const auto own = std::to_string(self.value());
  const auto wrong = "Unexpected node id. Expected " + own + ", but received " + own;
  if (auto refusal = check_broker(self, resource.name, wrong)) return refusal;
  return alter_logger_levels(resource.alteration.changes, validate_only);
}

Task<Refusal> alter_resource(RequestContext& context, ResourceAlteration& resource, bool validate_only) {
  if (auto refusal = check_alteration(resource.alteration)) co_return refusal;
  switch (resource.type) {
    case ConfigResourceType::topic:
      co_return co_await alter_topic_resource(context, resource, validate_only);
    case ConfigResourceType::broker:
      co_return co_await alter_broker_resource(context, resource, validate_only);
    case ConfigResourceType::broker_logger:
      // The levels of loggers are changed one by one only.
      if (resource.alteration.replaces) break;
      co_return alter_loggers(context, resource, validate_only);
    case ConfigResourceType::client_metrics:
      co_return refuse(ErrorCode::invalid_request,
                       "AlterConfigs is only supported for topics and brokers, but resource type is CLIENT_METRICS");
    case ConfigResourceType::unknown:
      break;
  }
  co_return refuse(ErrorCode::invalid_request,
                   "Unknown resource type " + std::to_string(static_cast<int>(resource.type)));
}

}  // namespace

Task<std::vector<Refusal>> alter_resources(RequestContext& context, std::vector<ResourceAlteration> resources,
                                           bool validate_only) {
  std::vector<Refusal> answers(resources.size());
  std::map<std::pair<ConfigResourceType, std::string>, int> counts;
  for (const auto& resource : resources) ++counts[{resource.type, resource.name}];
  for (std::size_t i = 0; i < resources.size(); ++i) {
    if (counts.at({resources[i].type, resources[i].name}) > 1) {
      answers[i] = refuse(ErrorCode::invalid_request, "Each resource must appear at most once.");
    } else {
      answers[i] = co_await alter_resource(context, resources[i], validate_only);
    }
  }
  co_return answers;
}

}  // namespace millrace::server
