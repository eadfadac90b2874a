#include "broker/server/quota_configuration.h"

#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/logging.h"
#include "broker/metadata/cluster_image.h"
#include "broker/metadata/config_entity.h"
#include "broker/metadata/metadata_cache.h"

namespace millrace::server {
namespace {

using metadata::ConfigEntity;
using metadata::ConfigMap;
using metadata::ConfigOwner;
using metadata::EntityName;
using security::QuotaKind;

constexpr Logger logger{"server"};
constexpr std::pair<QuotaKind, std::string_view> client_quota_keys[] = {
    {QuotaKind::produce, quota_keys::producer_byte_rate},
    {QuotaKind::fetch, quota_keys::consumer_byte_rate},
    {QuotaKind::request, quota_keys::request_percentage},
    {QuotaKind::controller_mutation, quota_keys::controller_mutation_rate},
};

security::RateWindow window_of(const ConfigValues& values, const std::string& prefix) {
  return {static_cast<std::size_t>(values.integer(prefix + "quota.window.num")),
          values.integer(prefix + "quota.window.size.seconds") * 1000};
}

std::optional<double> value_of(const ConfigMap& config, std::string_view key) {
  auto found = config.find(key);
  if (found == config.end()) return std::nullopt;
  auto value = parse_quota(found->second);
  if (!value) logger.error("the quota " + std::string(key) + "=" + found->second + " is no number and does not count");
  return value;
}

// Empty for the default entity: no client has that name.
std::optional<std::string> owner_name(const EntityName& name) {
  return name.is_default() ? std::string() : name.text();
}

void apply_client_quota(const ConfigOwner& owner, const ConfigMap& config, security::ClientQuotas& quotas) {
  security::QuotaOwner whose;
  if (owner.entity == ConfigEntity::clients) {
    whose.client_id = owner_name(owner.name);
  } else {
    whose.user = owner_name(owner.name);
    if (owner.client) whose.client_id = owner_name(*owner.client);
  }
  security::QuotaLimits limits;
  for (const auto& [kind, key] : client_quota_keys) limits[static_cast<std::size_t>(kind)] = value_of(config, key);
  quotas.set(whose, limits);
}

// Rates of addresses. A name counts for the address that it has when it is set.
class AddressRates : public std::enable_shared_from_this<AddressRates> {
 public:
  AddressRates(Shard& shard, security::ConnectionRates& rates) : shard_(shard), rates_(rates) {}

  void set(const EntityName& name, std::optional<double> rate) {
    if (name.is_default()) return rates_.set_default_address_rate(rate);
    const auto& host = name.text();
    auto known = addresses_.find(host);
    if (known != addresses_.end()) rates_.set_address_rate(known->second, std::nullopt);
    addresses_.erase(host);
    wanted_.erase(host);
    if (!rate) return;
    wanted_.emplace(host, *rate);
    shard_.pool().submit([self = shared_from_this(), host]() mutable {
      auto& shard = self->shard_;
      shard.post([self = std::move(self), host, address = resolve_host(host)] { self->resolved(host, address); });
    });
  }

 private:
  void resolved(const std::string& host, const std::optional<std::string>& address) {
    auto wanted = wanted_.find(host);
    if (wanted == wanted_.end()) return;  // taken away in between
    if (!address) {
      logger.error("the connection rate of " + host + " does not count: it has no address");
      return;
    }
    addresses_[host] = *address;
    rates_.set_address_rate(*address, wanted->second);
  }

  Shard& shard_;
  security::ConnectionRates& rates_;
  std::map<std::string, double> wanted_;
  std::map<std::string, std::string> addresses_;  // those that are in force
};

void apply(ConfigEntity entity, const std::string& stored_name, const ConfigMap& config, security::ClientQuotas& quotas,
           AddressRates& addresses) {
  if (entity == ConfigEntity::topics || entity == ConfigEntity::brokers) return;
  auto owner = metadata::parse_stored_name(entity, stored_name);
  if (!owner) {
    logger.error("quotas that are stored for " + stored_name + " do not count: " + owner.error().message);
    return;
  }
  if (entity != ConfigEntity::ips) return apply_client_quota(*owner, config, quotas);
  addresses.set(owner->name, value_of(config, quota_keys::connection_creation_rate));
}

// Java's Double.toString: a point always, and an exponent below a thousandth and from ten million on.
std::string java_text(double value) {
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  if (value == 0) return std::signbit(value) ? "-0.0" : "0.0";
  std::array<char, 400> buffer{};
  const bool is_plain = std::abs(value) >= 1e-3 && std::abs(value) < 1e7;
  const auto form = is_plain ? std::chars_format::fixed : std::chars_format::scientific;
  auto* end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, form).ptr;
  std::string text(buffer.data(), end);
  const auto exponent = text.find('e');
  auto digits = text.substr(0, exponent);
  if (digits.find('.') == std::string::npos) digits += ".0";
  if (exponent == std::string::npos) return digits;
  return digits + "E" + std::to_string(std::stoi(text.substr(exponent + 1)));
}

// Kafka's way to say that there is no limit.
std::optional<double> rate_limit(std::int64_t value) {
  if (value == std::numeric_limits<std::int32_t>::max()) return std::nullopt;
  return static_cast<double>(value);
}

}  // namespace

security::ClientQuotaSettings client_quota_settings(const ConfigValues& values) {
  security::ClientQuotaSettings settings;
  settings.window = window_of(values, "");
  settings.controller_window = window_of(values, "controller.");
  settings.max_clients = static_cast<std::size_t>(values.integer("millrace.quota.max.clients"));
  return settings;
}

security::ConnectionRateSettings connection_rate_settings(const ConfigValues& values) {
  security::ConnectionRateSettings settings;
  settings.window = window_of(values, "");
  settings.broker = rate_limit(values.integer("max.connection.creation.rate"));
  settings.max_addresses = static_cast<std::size_t>(values.integer("millrace.quota.max.clients"));
  return settings;
}

std::span<const QuotaConfigKey> quota_config_keys(bool of_ip) {
  using Type = QuotaConfigKey::Type;
  static constexpr QuotaConfigKey of_clients[] = {
      {quota_keys::producer_byte_rate, Type::int64},
      {quota_keys::consumer_byte_rate, Type::int64},
      {quota_keys::request_percentage, Type::number},
      {quota_keys::controller_mutation_rate, Type::number},
  };
  static constexpr QuotaConfigKey of_addresses[] = {{quota_keys::connection_creation_rate, Type::int32}};
  return of_ip ? std::span<const QuotaConfigKey>(of_addresses) : std::span<const QuotaConfigKey>(of_clients);
}

Result<std::string> quota_text(const QuotaConfigKey& key, double value) {
  using Type = QuotaConfigKey::Type;
  const auto name = std::string(key.name);
  if (std::isnan(value)) return fail(ErrorKind::invalid_argument, "Configuration " + name + " must be a number");
  if (key.type == Type::number) return java_text(value);
  constexpr double tolerance = 1e-6;
  // As Java's conversion does, which is why -1 is not whole.
  auto whole = [&]<class Integer>(Integer most) -> std::optional<std::string> {
    const auto raised = std::trunc(value + tolerance);
    const auto integer = raised >= static_cast<double>(most) ? most : static_cast<Integer>(std::max(raised, 0.0));
    if (std::abs(static_cast<double>(integer) - value) > tolerance) return std::nullopt;
    return std::to_string(integer);
  };
  auto text = key.type == Type::int32 ? whole(std::numeric_limits<std::int32_t>::max())
                                      : whole(std::numeric_limits<std::int64_t>::max());
  if (text) return std::move(*text);
  return fail(ErrorKind::invalid_argument,
              "Configuration " + name + " must be a " + (key.type == Type::int32 ? "INT" : "LONG") + " value");
}

std::optional<std::string> resolve_host(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
  std::array<char, NI_MAXHOST> address{};
  const bool is_told =
      ::getnameinfo(found->ai_addr, found->ai_addrlen, address.data(), address.size(), nullptr, 0, NI_NUMERICHOST) == 0;
  ::freeaddrinfo(found);
  if (!is_told) return std::nullopt;
  return std::string(address.data());
}

std::optional<double> parse_quota(std::string_view text) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) return std::numeric_limits<double>::infinity();
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void follow_quotas(metadata::MetadataCache& cache, Shard& shard, security::ClientQuotas& quotas,
                   security::ConnectionRates& rates) {
  auto addresses = std::make_shared<AddressRates>(shard, rates);
  cache.subscribe(shard.id(), [&quotas, addresses](const auto& before, const auto& after) {
    metadata::ClusterImage::for_each_changed_config(
        *before, *after, [&](ConfigEntity entity, const std::string& name, const ConfigMap&, const ConfigMap& now) {
          apply(entity, name, now, quotas, *addresses);
        });
  });
}

}  // namespace millrace::server
