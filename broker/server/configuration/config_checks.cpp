#include "broker/server/configuration/config_checks.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "broker/server/configuration/group_settings.h"

namespace millrace::server {
namespace {

std::string_view trim(std::string_view text) {
  auto first = text.find_first_not_of(" \t\r\n\f");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n\f") - first + 1);
}

bool accepts_gzip_level(std::string_view text) {
  text = trim(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  int level = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), level);
  return error == std::errc{} && end == text.data() + text.size() && (level == -1 || (level >= 1 && level <= 9));
}

constexpr std::string_view kafka_versions[] = {
    "0.8.0",      "0.8.1",      "0.8.2",      "0.9.0",      "0.10.0-IV0", "0.10.0-IV1", "0.10.1-IV0", "0.10.1-IV1",
    "0.10.1-IV2", "0.10.2-IV0", "0.11.0-IV0", "0.11.0-IV1", "0.11.0-IV2", "1.0-IV0",    "1.1-IV0",    "2.0-IV0",
    "2.0-IV1",    "2.1-IV0",    "2.1-IV1",    "2.1-IV2",    "2.2-IV0",    "2.2-IV1",    "2.3-IV0",    "2.3-IV1",
    "2.4-IV0",    "2.4-IV1",    "2.5-IV0",    "2.6-IV0",    "2.7-IV0",    "2.7-IV1",    "2.7-IV2",    "2.8-IV0",
    "2.8-IV1",    "3.0-IV0",    "3.0-IV1",    "3.1-IV0",    "3.2-IV0",    "3.3-IV0",    "3.3-IV1",    "3.3-IV2",
    "3.3-IV3",    "3.4-IV0",    "3.5-IV0",    "3.5-IV1",    "3.5-IV2",    "3.6-IV0",    "3.6-IV1",    "3.6-IV2",
    "3.7-IV0",    "3.7-IV1",    "3.7-IV2",    "3.7-IV3",    "3.7-IV4",    "3.8-IV0",    "3.9-IV0",    "4.0-IV0",
    "4.0-IV1",
};

// Kafka looks at the first two numbers only, three where the first is 0 (MetadataVersion.fromVersionString).
bool accepts_kafka_version(std::string_view text) {
  text = trim(text);
  int numbers = text.starts_with("0.") ? 3 : 2;
  std::size_t end = 0;
  for (int i = 0; i < numbers; ++i) {
    end = text.find('.', i == 0 ? 0 : end + 1);
    if (end == std::string_view::npos) break;
  }
  auto version = text.substr(0, end);
  return std::ranges::any_of(kafka_versions, [version](std::string_view known) {
    return version == known || version == known.substr(0, known.find('-'));
  });
}

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char letter) { return letter >= '0' && letter <= '9'; });
}

bool accepts_throttled_replicas(std::string_view text) {
  text = trim(text);
  if (text.empty() || text == "*") return true;
  while (true) {
    auto comma = text.find(',');
    auto pair = trim(text.substr(0, comma));
    auto colon = pair.find(':');
    if (colon == std::string_view::npos || !is_number(pair.substr(0, colon)) || !is_number(pair.substr(colon + 1)))
      return false;
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

bool accepts_non_empty_text(std::string_view text) { return !trim(text).empty(); }

bool accepts_assignors(std::string_view text) {
  while (true) {
    auto comma = text.find(',');
    if (consumer_group_assignor(trim(text.substr(0, comma))).empty()) return false;
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

bool accepts_migration_policy(std::string_view text) {
  std::string lower(trim(text));
  std::ranges::transform(lower, lower.begin(), [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
  });
  return lower == "disabled" || lower == "downgrade" || lower == "upgrade" || lower == "bidirectional";
}

}  // namespace

constexpr ConfigCheck gzip_level{accepts_gzip_level, "-1 or an integer from 1 to 9"};
constexpr ConfigCheck kafka_version{accepts_kafka_version,
                                    "a version of Kafka from 0.8.0 to 4.0-IV1, such as 3.9-IV0 or 3.9"};
constexpr ConfigCheck throttled_replicas{accepts_throttled_replicas,
                                         "* or pairs partition:broker with commas between them"};
constexpr ConfigCheck non_empty_text{accepts_non_empty_text, "any text but an empty one"};
constexpr ConfigCheck consumer_group_assignors{accepts_assignors,
                                               "uniform, range, or both, or the names of their classes in Kafka"};
constexpr ConfigCheck migration_policy{accepts_migration_policy, "one of disabled, downgrade, upgrade, bidirectional"};

}  // namespace millrace::server
