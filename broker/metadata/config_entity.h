// Whose configuration it is: a topic, a broker, a client id, a user, a client id of a user, an address, or the
// default of all of a kind.
//
// Clients tell names as they are. In the store and in the image a name is percent-encoded, so that anything can be
// the name of a znode; "<default>" stands for the default entity, which no encoded name can be. Values; any thread.
// Source: org.apache.kafka.common.utils.Sanitizer, kafka.server.ZooKeeperInternals.DEFAULT_STRING,
// kafka.server.ConfigEntityName.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "broker/base/result.h"
#include "broker/base/types.h"

namespace millrace::metadata {

// The folder below /config.
enum class ConfigEntity : std::uint8_t { topics, brokers, clients, users, ips };

inline constexpr std::array config_entities{ConfigEntity::topics, ConfigEntity::brokers, ConfigEntity::clients,
                                            ConfigEntity::users, ConfigEntity::ips};

// "abc.-_09" stay as they are; every other byte of the UTF-8 text is %XX.
std::string encode_entity_name(std::string_view name);
// invalid_argument for a % that no two hexadecimal digits follow.
Result<std::string> decode_entity_name(std::string_view encoded);

class EntityName {
 public:
  explicit EntityName(std::string_view name) : name_(name) {}
  static EntityName default_entity() { return {}; }

  [[nodiscard]] bool is_default() const { return !name_.has_value(); }
  // As clients tell it; empty for the default entity.
  [[nodiscard]] const std::string& text() const;
  // As the store has it.
  [[nodiscard]] std::string stored() const;

  friend auto operator<=>(const EntityName&, const EntityName&) = default;
  friend bool operator==(const EntityName&, const EntityName&) = default;

 private:
  EntityName() = default;
  std::optional<std::string> name_;
};

struct ConfigOwner {
  ConfigEntity entity = ConfigEntity::topics;
  EntityName name;
  std::optional<EntityName> client{};  // with users only: a client id of that user

  static ConfigOwner topic(std::string_view name) { return {ConfigEntity::topics, EntityName(name)}; }
  static ConfigOwner broker(BrokerId id) { return {ConfigEntity::brokers, EntityName(std::to_string(id.value()))}; }
  static ConfigOwner all_brokers() { return {ConfigEntity::brokers, EntityName::default_entity()}; }
  static ConfigOwner user(EntityName name) { return {ConfigEntity::users, std::move(name)}; }
  static ConfigOwner client_id(EntityName name) { return {ConfigEntity::clients, std::move(name)}; }
  static ConfigOwner user_client(EntityName user, EntityName client) {
    return {ConfigEntity::users, std::move(user), std::move(client)};
  }
  static ConfigOwner ip(EntityName name) { return {ConfigEntity::ips, std::move(name)}; }

  friend auto operator<=>(const ConfigOwner&, const ConfigOwner&) = default;
  friend bool operator==(const ConfigOwner&, const ConfigOwner&) = default;
};

// Below the entity's folder: "t", "<default>", "u/clients/c".
std::string stored_name(const ConfigOwner& owner);
// invalid_argument when no entity has that name.
Result<ConfigOwner> parse_stored_name(ConfigEntity entity, std::string_view stored);

// A path below /config, as the notification of a change names it: "topics/t", "users/<default>/clients/c".
Result<ConfigOwner> parse_entity_path(std::string_view path);

}  // namespace millrace::metadata
