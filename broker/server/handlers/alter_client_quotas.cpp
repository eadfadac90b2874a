#include "broker/server/handlers/alter_client_quotas.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/base/logging.h"
#include "broker/controller/config_commands.h"
#include "broker/metadata/cluster_image.h"
#include "broker/server/image_waits.h"
#include "broker/server/quota_configuration.h"
#include "broker/server/request_context.h"

namespace millrace::server {
namespace {

using metadata::ConfigMap;
using metadata::ConfigOwner;
using metadata::EntityName;
using protocol::AlterClientQuotasRequest;
using protocol::AlterClientQuotasResponse;
using protocol::ErrorCode;
using Wanted = AlterClientQuotasRequest::Entry;
using Answer = AlterClientQuotasResponse::Entry;

constexpr Logger logger{"server"};
// A change is written when it is answered; that it also shows here is a courtesy that has an end.
constexpr auto show_patience = std::chrono::seconds(5);

// The parts of an entity by type; of one that stands twice the last, as in Kafka.
using Parts = std::map<std::string_view, protocol::NullableString>;

Parts parts_of(const Wanted& wanted) {
  Parts parts;
  for (const auto& part : wanted.entity) parts.insert_or_assign(part.entity_type, part.entity_name);
  return parts;
}

Result<ConfigOwner> owner_of(const Parts& parts) {
  auto invalid = [](const std::string& message) { return fail(ErrorKind::invalid_argument, message); };
  if (parts.empty()) return invalid("Invalid empty client quota entity");
  std::map<std::string_view, EntityName> names;
  for (const auto& [type, name] : parts) {
    if (type != quota_entities::user && type != quota_entities::client_id && type != quota_entities::ip)
      return invalid("Unhandled client quota entity type: " + std::string(type));
    if (name && name->empty()) return invalid("Empty " + std::string(type) + " not supported");
    names.emplace(type, name ? EntityName(*name) : EntityName::default_entity());
  }
  auto user = names.find(quota_entities::user);
  auto client_id = names.find(quota_entities::client_id);
  auto ip = names.find(quota_entities::ip);
  if (ip != names.end()) {
    if (names.size() > 1) {
      return invalid("Invalid quota entity combination, IP entity should not be used with user/client ID entity.");
    }
    return ConfigOwner::ip(ip->second);
  }
  if (user == names.end()) return ConfigOwner::client_id(client_id->second);
  if (client_id == names.end()) return ConfigOwner::user(user->second);
  return ConfigOwner::user_client(user->second, client_id->second);
}

// What the operations make of what is set.
struct Alteration {
  struct Operation {
    std::string key;
    std::optional<double> value;  // nothing: removed
  };
  std::vector<Operation> operations;
  bool of_ip = false;

  Result<ConfigMap> operator()(const ConfigMap& now) const {
    auto next = now;
    for (const auto& operation : operations) {
      if (!operation.value) {
        next.erase(operation.key);
        continue;
      }
      const auto keys = quota_config_keys(of_ip);
      const auto key = std::ranges::find(keys, operation.key, &QuotaConfigKey::name);
      if (key == keys.end()) return fail(ErrorKind::invalid_argument, "Invalid configuration key " + operation.key);
      auto text = quota_text(*key, *operation.value);
      if (!text) return tl::unexpected(std::move(text.error()));
      next.insert_or_assign(operation.key, std::move(*text));
    }
    return next;
  }
};

Alteration alteration_of(const Wanted& wanted, bool of_ip) {
  Alteration alteration;
  alteration.of_ip = of_ip;
  for (const auto& operation : wanted.ops) {
    alteration.operations.push_back(
        {std::string(operation.key), operation.remove ? std::nullopt : std::optional(operation.value)});
  }
  return alteration;
}

Task<Result<ConfigMap>> command(RequestContext& context, const ConfigOwner& owner, Alteration alteration,
                                bool validate_only) {
  auto& services = context.services();
  auto& home = context.shard();
  co_return co_await completion<Result<ConfigMap>>([&](UniqueFunction<void(Result<ConfigMap>)> done) {
    services.metadata_shard.post(
        [&services, &home, owner, alteration = std::move(alteration), validate_only, done = std::move(done)]() mutable {
          auto back = [&home, done = std::move(done)](Result<ConfigMap> result) mutable {
            home.post([done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
          };
          auto& commands = services.config_commands;
          validate_only ? commands.preview(owner, std::move(alteration), std::move(back))
                        : commands.change(owner, std::move(alteration), std::move(back));
        });
  });
}

Task<Status> alter_one(RequestContext& context, const Wanted& wanted, const Parts& parts, bool validate_only) {
  auto owner = owner_of(parts);
  if (!owner) co_return tl::unexpected(std::move(owner.error()));
  const bool of_ip = owner->entity == metadata::ConfigEntity::ips;
  if (of_ip && !owner->name.is_default()) {
    // As it is stored, which is why no address of IPv6 is one: Kafka's brokers would not know it.
    const auto host = owner->name.stored();
    // A name may have to be asked for.
    const bool is_known = co_await run_blocking(context.shard(), [host] { return resolve_host(host).has_value(); });
    if (!is_known) co_return fail(ErrorKind::invalid_argument, host + " is not a valid IP or resolvable host.");
  }
  auto changed = co_await command(context, *owner, alteration_of(wanted, of_ip), validate_only);
  if (!changed) co_return tl::unexpected(std::move(changed.error()));
  if (validate_only) co_return Status{};
  auto shows = [owner = std::move(*owner), written = std::move(*changed)](const metadata::ClusterImage& image) {
    return *image.config(owner) == written;
  };
  (void)co_await context.services().image_waits.until(context.shard(), shows, show_patience);
  co_return Status{};
}

Answer answer_of(const Parts& parts, const Status& outcome, RequestContext& context) {
  Answer answer;
  answer.error_message.reset();
  for (const auto& [type, name] : parts) answer.entity.push_back({type, name});
  if (outcome) return answer;
  const bool is_invalid = outcome.error().kind == ErrorKind::invalid_argument;
  answer.error_code = is_invalid ? ErrorCode::invalid_request : ErrorCode::unknown_server_error;
  answer.error_message = context.keep(outcome.error().message);
  if (!is_invalid) logger.warning("a client quota was not altered: " + outcome.error().message);
  return answer;
}

}  // namespace

Task<Result<std::optional<AlterClientQuotasResponse>>> AlterClientQuotasHandler::handle(const Request& request,
                                                                                        RequestContext& context) {
  Response response;
  std::map<Parts, std::size_t> positions;  // an entity that stands twice is answered once, for the last
  for (const auto& wanted : request.entries) {
    const auto parts = parts_of(wanted);
    const auto outcome = co_await alter_one(context, wanted, parts, request.validate_only);
    auto answer = answer_of(parts, outcome, context);
    auto [position, is_new] = positions.emplace(parts, response.entries.size());
    if (is_new) {
      response.entries.push_back(std::move(answer));
    } else {
      response.entries[position->second] = std::move(answer);
    }
  }
  co_return response;
}

}  // namespace millrace::server
