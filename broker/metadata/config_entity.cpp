#include "broker/metadata/config_entity.h"

#include <algorithm>

#include "broker/metadata/znodes/znode_paths.h"

namespace millrace::metadata {
namespace {

constexpr std::string_view default_name = "<default>";
constexpr std::string_view clients_of_user = "/clients/";

bool stays(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
         letter == '.' || letter == '-' || letter == '_';
}

int value_of_hex(char digit) {
  constexpr std::string_view upper = "0123456789ABCDEF";
  constexpr std::string_view lower = "0123456789abcdef";
  auto at = upper.find(digit);
  if (at == std::string_view::npos) at = lower.find(digit);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

Result<EntityName> parse_name(std::string_view stored) {
  if (stored == default_name) return EntityName::default_entity();
  auto name = decode_entity_name(stored);
  if (!name) return tl::unexpected(std::move(name.error()));
  return EntityName(*name);
}

}  // namespace

std::string encode_entity_name(std::string_view name) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  for (char letter : name) {
    if (stays(letter)) {
      encoded += letter;
      continue;
    }
    auto byte = static_cast<std::uint8_t>(letter);
    encoded += '%';
    encoded += digits[byte >> 4U];
    encoded += digits[byte & 0xFU];
  }
  return encoded;
}

Result<std::string> decode_entity_name(std::string_view encoded) {
  std::string name;
  for (std::size_t at = 0; at < encoded.size(); ++at) {
    char letter = encoded[at];
    if (letter == '%') {
      int high = at + 2 < encoded.size() ? value_of_hex(encoded[at + 1]) : -1;
      int low = high < 0 ? -1 : value_of_hex(encoded[at + 2]);
      if (low < 0) {
        return fail(ErrorKind::invalid_argument,
                    "the entity name '" + std::string(encoded) + "' has a % without two hexadecimal digits");
      }
      letter = static_cast<char>(high * 16 + low);
      at += 2;
    } else if (letter == '+') {
      letter = ' ';  // Java's URLDecoder, which others may have written for
    }
    name += letter;
  }
  return name;
}

const std::string& EntityName::text() const {
  static const std::string empty;
  return name_ ? *name_ : empty;
}

std::string EntityName::stored() const { return name_ ? encode_entity_name(*name_) : std::string(default_name); }

std::string stored_name(const ConfigOwner& owner) {
  auto stored = owner.name.stored();
  if (owner.client) stored.append(clients_of_user).append(owner.client->stored());
  return stored;
}

Result<ConfigOwner> parse_stored_name(ConfigEntity entity, std::string_view stored) {
  auto slash = stored.find('/');
  auto name = parse_name(stored.substr(0, slash));
  if (!name) return tl::unexpected(std::move(name.error()));
  ConfigOwner owner{entity, std::move(*name)};
  if (slash == std::string_view::npos && !stored.empty()) return owner;
  auto rest = stored.substr(std::min(slash, stored.size()));
  bool of_user = entity == ConfigEntity::users && slash != 0 && rest.starts_with(clients_of_user) &&
                 rest.size() > clients_of_user.size() &&
                 rest.find('/', clients_of_user.size()) == std::string_view::npos;
  if (!of_user) {
    return fail(ErrorKind::invalid_argument, "no entity below /config/" + std::string(znodes::folder_of(entity)) +
                                                 " has the name '" + std::string(stored) + "'");
  }
  auto client = parse_name(rest.substr(clients_of_user.size()));
  if (!client) return tl::unexpected(std::move(client.error()));
  owner.client = std::move(*client);
  return owner;
}

Result<ConfigOwner> parse_entity_path(std::string_view path) {
  auto slash = path.find('/');
  for (auto entity : config_entities) {
    if (slash != std::string_view::npos && path.substr(0, slash) == znodes::folder_of(entity))
      return parse_stored_name(entity, path.substr(slash + 1));
  }
  return fail(ErrorKind::invalid_argument, "there is no kind of entity for '" + std::string(path) + "'");
}

}  // namespace millrace::metadata
