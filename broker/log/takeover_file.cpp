#include "broker/log/takeover_file.h"

#include <charconv>

namespace millrace::log {
namespace {

std::string path_in(const std::string& partition_directory) {
  return partition_directory + "/" + std::string(takeover_file_name);
}

}  // namespace

Result<std::uint64_t> read_takeover(FileSystem& files, const std::string& partition_directory) {
  static constexpr std::uint64_t limit_bytes = 64;
  const auto path = path_in(partition_directory);
  auto text = files.read_text(path, limit_bytes);
  if (!text && text.error().kind == ErrorKind::not_found) return 0;
  if (!text) return tl::unexpected(text.error());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc{} || end != text->data() + text->size())
    return fail(ErrorKind::corrupt, path + " is not a number: '" + *text + "'");
  return number;
}

Status write_takeover(FileSystem& files, const std::string& partition_directory, std::uint64_t number) {
  return replace_file(files, path_in(partition_directory), std::to_string(number));
}

Status remove_takeover(FileSystem& files, const std::string& partition_directory) {
  const auto path = path_in(partition_directory);
  const auto there = files.exists(path);
  if (!there) return tl::unexpected(there.error());
  if (!*there) return {};
  return files.remove(path).and_then([&] { return files.sync_directory(partition_directory); });
}

}  // namespace millrace::log
