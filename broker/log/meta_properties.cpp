#include "broker/log/meta_properties.h"

#include <charconv>
#include <ctime>

#include "broker/base/config_table.h"

namespace millrace::log {
namespace {

std::string path_in(const std::string& log_directory) { return log_directory + "/meta.properties"; }

// As java.util.Properties.store dates its files.
std::string date_line(TimestampMs now) {
  auto seconds = static_cast<std::time_t>(now.value() / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  auto length = std::strftime(text, sizeof text, "#%a %b %d %H:%M:%S UTC %Y", &parts);
  return {text, length};
}

}  // namespace

Result<std::optional<MetaProperties>> read_meta_properties(FileSystem& files, const std::string& log_directory) {
  static constexpr std::uint64_t limit_bytes = 64 * 1024;
  const auto path = path_in(log_directory);
  auto text = files.read_text(path, limit_bytes);
  if (!text) {
    if (text.error().kind == ErrorKind::not_found) return std::nullopt;
    return tl::unexpected(text.error());
  }
  auto pairs = parse_properties(*text);
  if (!pairs) return fail(ErrorKind::corrupt, path + ": " + pairs.error().message);
  MetaProperties properties;
  std::string version;
  for (const auto& [key, value] : *pairs) {
    if (key == "version") version = value;
    if (key == "cluster.id") properties.cluster_id = value;
    if (key == "broker.id") {
      std::int32_t id = -1;
      auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), id);
      if (error != std::errc{} || end != value.data() + value.size() || id < 0) {
        return fail(ErrorKind::corrupt, path + ": broker.id is '" + value + "', not a number from 0");
      }
      properties.broker_id = BrokerId(id);
    }
  }
  if (version == "1") {
    return fail(ErrorKind::unsupported,
                path + " has version 1: the directory belongs to a Kafka in KRaft mode; only version 0 can be opened");
  }
  if (version != "0") return fail(ErrorKind::corrupt, path + ": version is '" + version + "', not 0");
  return properties;
}

Status write_meta_properties(FileSystem& files, const std::string& log_directory, const MetaProperties& properties,
                             TimestampMs now) {
  return replace_file(files, path_in(log_directory),
                      "#\n" + date_line(now) + "\nbroker.id=" + std::to_string(properties.broker_id.value()) +
                          "\nversion=0\ncluster.id=" + properties.cluster_id + "\n");
}

}  // namespace millrace::log
