// The words and rules that several rows of configuration share.
#pragma once

#include <string_view>

#include "broker/base/config_table.h"

namespace millrace::server {

inline constexpr std::string_view cleanup_policies[] = {"compact", "delete"};
inline constexpr std::string_view compression_types[] = {"uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"};
inline constexpr std::string_view timestamp_types[] = {"CreateTime", "LogAppendTime"};
inline constexpr std::string_view security_protocols[] = {"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"};
inline constexpr std::string_view client_authentications[] = {"required", "requested", "none"};
inline constexpr std::string_view group_protocols[] = {"consumer", "classic", "share", "unknown"};
inline constexpr std::string_view process_roles[] = {"broker", "controller"};

// -1 or 1 to 9.
extern const ConfigCheck gzip_level;
// A version of Kafka's metadata, long ("2.8-IV1") or short ("2.8", "2.8.1"), from 0.8.0 to 4.0-IV1.
extern const ConfigCheck kafka_version;
// "*", or partition:broker pairs with commas between them, or nothing.
extern const ConfigCheck throttled_replicas;
extern const ConfigCheck non_empty_text;
// Names of assignors of the new consumer groups; one at least.
extern const ConfigCheck consumer_group_assignors;
// disabled, downgrade, upgrade or bidirectional, in any case.
extern const ConfigCheck migration_policy;

}  // namespace millrace::server
