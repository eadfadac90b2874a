// Quotas as they are stored: the keys, their values, and how a change of the cluster's image becomes the limits that
// are enforced (Kafka: org.apache.kafka.server.config.QuotaConfig, kafka.server.ConfigHandler: UserConfigHandler,
// ClientIdConfigHandler, IpConfigHandler).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "broker/base/config_table.h"
#include "broker/base/result.h"
#include "broker/base/shard.h"
#include "broker/security/client_quotas.h"
#include "broker/security/connection_rates.h"

namespace millrace::metadata {
class MetadataCache;
}

namespace millrace::server {

namespace quota_keys {
inline constexpr std::string_view producer_byte_rate = "producer_byte_rate";
inline constexpr std::string_view consumer_byte_rate = "consumer_byte_rate";
inline constexpr std::string_view request_percentage = "request_percentage";
inline constexpr std::string_view controller_mutation_rate = "controller_mutation_rate";
inline constexpr std::string_view connection_creation_rate = "connection_creation_rate";
}  // namespace quota_keys

// The kinds of entities as clients name them (org.apache.kafka.common.quota.ClientQuotaEntity).
namespace quota_entities {
inline constexpr std::string_view user = "user";
inline constexpr std::string_view client_id = "client-id";
inline constexpr std::string_view ip = "ip";
}  // namespace quota_entities

struct QuotaConfigKey {
  enum class Type : std::uint8_t { number, int32, int64 };
  std::string_view name;
  Type type;
};

// What may be set for an address, or for users and client ids.
std::span<const QuotaConfigKey> quota_config_keys(bool of_ip);

// A value as it is stored: whole numbers without a point, others as Java writes a double. invalid_argument, in
// Kafka's words, for one that the key cannot have.
Result<std::string> quota_text(const QuotaConfigKey& key, double value);

// The numeric address of a name or address; nothing when there is none. Blocks.
std::optional<std::string> resolve_host(const std::string& host);

// Of quota.window.*, controller.quota.window.* and millrace.quota.max.clients; of max.connection.creation.rate too.
security::ClientQuotaSettings client_quota_settings(const ConfigValues& values);
security::ConnectionRateSettings connection_rate_settings(const ConfigValues& values);

// The number that a stored value stands for; nothing where it is none.
std::optional<double> parse_quota(std::string_view text);

// Applies what was set for users, client ids and addresses, now and whenever it changes. Once, before `shard` sees an
// image; the others outlive the shards' work.
void follow_quotas(metadata::MetadataCache& cache, Shard& shard, security::ClientQuotas& quotas,
                   security::ConnectionRates& rates);

}  // namespace millrace::server
