#include "broker/server/handlers/describe_client_quotas.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "broker/metadata/cluster_image.h"
#include "broker/server/quota_configuration.h"
#include "broker/server/request_context.h"

namespace millrace::server {
namespace {

using metadata::ConfigEntity;
using metadata::ConfigMap;
using metadata::ConfigOwner;
using metadata::EntityName;
using protocol::DescribeClientQuotasRequest;
using protocol::DescribeClientQuotasResponse;
using protocol::ErrorCode;
using protocol::QuotaMatch;
using Component = DescribeClientQuotasRequest::Component;
using Entry = DescribeClientQuotasResponse::Entry;

// Each kind of entity at most once.
using Filter = std::map<std::string_view, const Component*>;

DescribeClientQuotasResponse refuse(ErrorCode code, std::string_view message) {
  DescribeClientQuotasResponse response;
  response.error_code = code;
  response.error_message = message;
  response.entries.reset();
  return response;
}

// The answer when the filter cannot be understood.
std::optional<DescribeClientQuotasResponse> read_filter(const DescribeClientQuotasRequest& request, Filter& filter,
                                                        RequestContext& context) {
  for (const auto& component : request.components) {
    const auto type = component.entity_type;
    if (type.empty()) return refuse(ErrorCode::invalid_request, "Unexpected empty filter component entity type");
    if (type != quota_entities::user && type != quota_entities::client_id && type != quota_entities::ip) {
      return refuse(ErrorCode::unsupported_version,
                    context.keep("Custom entity type '" + std::string(type) + "' not supported"));
    }
    if (!filter.emplace(type, &component).second) {
      return refuse(ErrorCode::invalid_request,
                    context.keep("Duplicate " + std::string(type) + " filter component entity type"));
    }
    if (component.match_type < QuotaMatch::exact || component.match_type > QuotaMatch::any_name) {
      return refuse(ErrorCode::invalid_request,
                    context.keep("Unexpected match type " + std::to_string(static_cast<int>(component.match_type)) +
                                 ", allowed are 0 (exact), 1 (default) and 2 (any)"));
    }
    if (component.match_type == QuotaMatch::exact && !component.match)
      return refuse(ErrorCode::invalid_request, "An exact match needs a name");
  }
  const bool of_clients = filter.contains(quota_entities::user) || filter.contains(quota_entities::client_id);
  if (of_clients && filter.contains(quota_entities::ip)) {
    return refuse(ErrorCode::invalid_request,
                  "Invalid entity filter component combination, IP filter component should not be used with user or "
                  "clientId filter component.");
  }
  return std::nullopt;
}

// The parts of an entity, such as a user and a client id.
using Parts = std::map<std::string_view, const EntityName*>;

Parts parts_of(const ConfigOwner& owner) {
  switch (owner.entity) {
    case ConfigEntity::users: {
      Parts parts{{quota_entities::user, &owner.name}};
      if (owner.client) parts.emplace(quota_entities::client_id, &*owner.client);
      return parts;
    }
    case ConfigEntity::clients:
      return {{quota_entities::client_id, &owner.name}};
    case ConfigEntity::ips:
      return {{quota_entities::ip, &owner.name}};
    default:
      return {};
  }
}

bool matches(const Component& component, const EntityName& name) {
  switch (component.match_type) {
    case QuotaMatch::exact:
      return !name.is_default() && name.text() == *component.match;
    case QuotaMatch::default_name:
      return name.is_default();
    case QuotaMatch::any_name:
      return true;
  }
  return false;
}

bool matches(const Filter& filter, bool strict, const Parts& parts) {
  for (const auto& [type, component] : filter) {
    auto part = parts.find(type);
    if (part == parts.end() || !matches(*component, *part->second)) return false;
  }
  return !strict || parts.size() == filter.size();
}

Entry entry_of(const Parts& parts, const ConfigMap& config, RequestContext& context) {
  Entry entry;
  for (const auto& [type, name] : parts) {
    auto& entity = entry.entity.emplace_back();
    entity.entity_type = type;
    entity.entity_name.reset();
    if (!name->is_default()) entity.entity_name = context.keep(name->text());
  }
  const bool of_ip = parts.contains(quota_entities::ip);
  for (const auto& key : quota_config_keys(of_ip)) {
    auto found = config.find(key.name);
    auto value = found == config.end() ? std::nullopt : parse_quota(found->second);
    if (value) entry.values.push_back({key.name, *value});
  }
  return entry;
}

}  // namespace

Task<Result<std::optional<DescribeClientQuotasResponse>>> DescribeClientQuotasHandler::handle(const Request& request,
                                                                                              RequestContext& context) {
  Filter filter;
  if (auto refusal = read_filter(request, filter, context)) co_return std::move(*refusal);
  Response response;
  context.image().for_each_config([&](ConfigEntity entity, const std::string& stored_name) {
    if (entity == ConfigEntity::topics || entity == ConfigEntity::brokers) return;
    auto owner = metadata::parse_stored_name(entity, stored_name);
    if (!owner) return;
    const auto parts = parts_of(*owner);
    if (!matches(filter, request.strict, parts)) return;
    auto entry = entry_of(parts, *context.image().config(entity, stored_name), context);
    if (!entry.values.empty()) response.entries->push_back(std::move(entry));
  });
  co_return response;
}

}  // namespace millrace::server
