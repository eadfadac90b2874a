#include "operator/api/broker_config.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace millrace::api {

using Json = nlohmann::json;

namespace {

struct Refusal {
  std::string_view key;
  std::string_view sentence;
};

constexpr std::string_view ids = "the operator gives every broker its id; choose the ids with spec.pools[].idRange";
constexpr std::string_view addresses = "the operator makes listeners and addresses from spec.listeners";
constexpr std::string_view directories = "the operator places the data on the volumes of spec.pools[].storage";
constexpr std::string_view metadata = "the metadata store is chosen with spec.metadata";
constexpr std::string_view raft = "brokers of this cluster do not run in KRaft mode";
constexpr std::string_view secrets =
    "secrets do not belong into config, where everybody who may read the resource sees them";

constexpr std::array refused_keys = {
    Refusal{"broker.id", ids},
    Refusal{"broker.id.generation.enable", ids},
    Refusal{"reserved.broker.max.id", ids},
    Refusal{"node.id", ids},
    Refusal{"broker.rack", "the operator sets the rack from spec.pools[].zones"},
    Refusal{"listeners", addresses},
    Refusal{"advertised.listeners", addresses},
    Refusal{"listener.security.protocol.map", addresses},
    Refusal{"inter.broker.listener.name", addresses},
    Refusal{"security.inter.broker.protocol", addresses},
    Refusal{"control.plane.listener.name", addresses},
    Refusal{"controller.listener.names", raft},
    Refusal{"process.roles", raft},
    Refusal{"log.dir", directories},
    Refusal{"log.dirs", directories},
    Refusal{"metadata.log.dir", raft},
    Refusal{"metadata.store", metadata},
};

// A whole family, by its first part.
constexpr std::array refused_prefixes = {
    Refusal{"zookeeper.", metadata},
    Refusal{"controller.quorum.", raft},
    Refusal{"millrace.cluster.", "the operator makes the cluster id and keeps it with the claims"},
    Refusal{"millrace.http.", "the operator's health checks need the broker's port 9404 as it is"},
};

// By their ends, because most of them can have listener.name.NAME. in front. Everything that Kafka's own definition
// types as PASSWORD is among them.
constexpr std::array<std::string_view, 9> secret_endings = {".password",
                                                            ".secret",
                                                            "sasl.jaas.config",
                                                            ".keystore.key",
                                                            ".credentials",
                                                            "ssl.keystore.certificate.chain",
                                                            "ssl.truststore.certificates",
                                                            "delegation.token.master.key",
                                                            "delegation.token.secret.key"};

std::optional<std::string_view> why_refused(std::string_view key) {
  for (const auto& refusal : refused_keys) {
    if (key == refusal.key) return refusal.sentence;
  }
  for (const auto& refusal : refused_prefixes) {
    if (key.starts_with(refusal.key)) return refusal.sentence;
  }
  for (auto ending : secret_endings) {
    if (key.ends_with(ending)) return secrets;
  }
  return std::nullopt;
}

bool is_key(std::string_view key) {
  return !key.empty() && key.size() <= 255 && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

std::optional<std::string> scalar_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (value.is_number()) return value.dump();
  return std::nullopt;
}

std::string_view kind_of(const Json& value) {
  if (value.is_null()) return "nothing";
  return value.is_array() ? "a list" : "an object";
}

}  // namespace

BrokerConfig check_broker_config(const Json& config) {
  BrokerConfig checked;
  for (const auto& [key, value] : config.items()) {
    std::string named = "config key '" + key + "' ";
    if (!is_key(key)) {
      checked.refusals.push_back(named + "is not a key: letters, digits, '.', '_' and '-' are allowed");
      continue;
    }
    if (auto why = why_refused(key)) {
      checked.refusals.push_back(named.append("may not be set: ").append(*why));
      continue;
    }
    auto text = scalar_text(value);
    if (!text) {
      checked.refusals.push_back(named.append("has ")
                                     .append(kind_of(value))
                                     .append(" as its value: a text, a number or a boolean is allowed"));
      continue;
    }
    checked.values.emplace(key, std::move(*text));
  }
  return checked;
}

}  // namespace millrace::api
