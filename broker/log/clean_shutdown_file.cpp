#include "broker/log/clean_shutdown_file.h"

#include <charconv>
#include <string_view>

namespace millrace::log {
namespace {
std::string path_in(const std::string& log_directory) { return log_directory + "/.kafka_cleanshutdown"; }
}  // namespace

Result<std::optional<BrokerEpoch>> read_clean_shutdown(FileSystem& files, const std::string& log_directory) {
  static constexpr std::uint64_t limit_bytes = 4096;
  static constexpr std::string_view key = "\"brokerEpoch\":";
  auto text = files.read_text(path_in(log_directory), limit_bytes);
  if (!text) {
    if (text.error().kind == ErrorKind::not_found) return std::nullopt;
    return tl::unexpected(text.error());
  }
  std::int64_t epoch = -1;
  if (auto at = text->find(key); at != std::string::npos) {
    at = text->find_first_not_of(' ', at + key.size());
    if (at != std::string::npos) std::from_chars(text->data() + at, text->data() + text->size(), epoch);
  }
  return BrokerEpoch(epoch);
}

Status write_clean_shutdown(FileSystem& files, const std::string& log_directory, BrokerEpoch broker_epoch) {
  return replace_file(files, path_in(log_directory),
                      "{\"version\":0,\"brokerEpoch\":" + std::to_string(broker_epoch.value()) + "}");
}

Status remove_clean_shutdown(FileSystem& files, const std::string& log_directory) {
  auto removed = files.remove(path_in(log_directory));
  if (!removed && removed.error().kind != ErrorKind::not_found) return removed;
  return files.sync_directory(log_directory);
}

}  // namespace millrace::log
