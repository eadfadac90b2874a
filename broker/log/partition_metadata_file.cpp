#include "broker/log/partition_metadata_file.h"

#include <string_view>

namespace millrace::log {
namespace {
std::string path_in(const std::string& directory) { return directory + "/partition.metadata"; }
}  // namespace

Result<std::optional<TopicId>> read_partition_metadata(FileSystem& files, const std::string& directory) {
  static constexpr std::uint64_t limit_bytes = 4096;
  static constexpr std::string_view version = "version: 0\n";
  static constexpr std::string_view key = "topic_id: ";
  auto text = files.read_text(path_in(directory), limit_bytes);
  if (!text) {
    if (text.error().kind == ErrorKind::not_found) return std::nullopt;
    return tl::unexpected(text.error());
  }
  std::string_view rest = *text;
  if (rest.starts_with(version) && rest.substr(version.size()).starts_with(key)) {
    rest.remove_prefix(version.size() + key.size());
    while (rest.ends_with('\n')) rest.remove_suffix(1);
    if (auto id = Uuid::parse(rest); id) return *id;
  }
  return fail(ErrorKind::corrupt, path_in(directory) + " is not 'version: 0' and 'topic_id: <id>'");
}

Status write_partition_metadata(FileSystem& files, const std::string& directory, const TopicId& topic_id) {
  return replace_file(files, path_in(directory), "version: 0\ntopic_id: " + to_string(topic_id));
}

}  // namespace millrace::log
