#include "broker/log/log_directory.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <utility>

#include "broker/base/durable_directories.h"

namespace millrace::log {
namespace {

constexpr std::size_t max_name_length = 255;
constexpr std::size_t offset_digits = 20;

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_topic_name(std::string_view text) {
  return !text.empty() && text != "." && text != ".." && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

// "-<partition>.<id><kind>"
std::string unique_suffix(const TopicPartition& partition, Random& random, std::string_view kind) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string id;
  for (auto word : {random.next(), random.next()}) {
    for (int shift = 60; shift >= 0; shift -= 4) id.push_back(digits[(word >> shift) & 0xf]);
  }
  return "-" + std::to_string(partition.partition.value()) + "." + id + std::string(kind);
}

std::string cut_to_fit(const std::string& topic, const std::string& suffix) {
  return topic.substr(0, std::min(topic.size(), max_name_length - suffix.size())) + suffix;
}

}  // namespace

std::optional<PartitionDirectory> parse_partition_directory(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, PartitionDirectoryKind>, 3> suffixes{
      {{"-delete", PartitionDirectoryKind::deleted},
       {"-future", PartitionDirectoryKind::future},
       {"-stray", PartitionDirectoryKind::stray}}};
  PartitionDirectory directory{std::string(name), PartitionDirectoryKind::current, {}};
  std::string_view rest = name;
  for (auto [suffix, kind] : suffixes) {
    // "topic-0.<id>-delete"; a topic may end in "-delete" itself, then a number follows: "my-delete-0".
    if (!name.ends_with(suffix)) continue;
    auto dot = name.rfind('.');
    if (dot == std::string_view::npos) return std::nullopt;
    directory.kind = kind;
    rest = name.substr(0, dot);
  }
  auto dash = rest.rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  auto topic = rest.substr(0, dash);
  auto number = rest.substr(dash + 1);
  std::int32_t partition = 0;
  auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), partition);
  if (!is_topic_name(topic) || !is_digits(number) || error != std::errc{} || end != number.data() + number.size())
    return std::nullopt;
  directory.partition = {std::string(topic), PartitionIndex(partition)};
  return directory;
}

std::string partition_directory_name(const TopicPartition& partition) {
  return partition.topic + "-" + std::to_string(partition.partition.value());
}

std::string deleted_directory_name(const TopicPartition& partition, Random& random) {
  return cut_to_fit(partition.topic, unique_suffix(partition, random, "-delete"));
}

std::string stray_directory_name(const TopicPartition& partition, Random& random) {
  return cut_to_fit(partition.topic, unique_suffix(partition, random, "-stray"));
}

std::optional<std::string> future_directory_name(const TopicPartition& partition, Random& random) {
  auto name = partition.topic + unique_suffix(partition, random, "-future");
  if (name.size() > max_name_length) return std::nullopt;
  return name;
}

Result<std::shared_ptr<void>> lock_log_directory(FileSystem& files, const std::string& log_directory) {
  if (auto made = make_durable_directories(files, log_directory); !made) return tl::unexpected(made.error());
  auto lock = files.lock(log_directory + "/.lock");
  if (!lock && lock.error().kind == ErrorKind::conflict) {
    return fail(ErrorKind::conflict, "the log directory " + log_directory + " is in use by another broker process (" +
                                         lock.error().message + "); give each broker log.dirs of its own");
  }
  return lock;
}

Result<std::vector<PartitionDirectory>> scan_log_directory(FileSystem& files, const std::string& log_directory) {
  auto entries = files.list(log_directory);
  if (!entries) return tl::unexpected(entries.error());
  std::vector<PartitionDirectory> directories;
  for (const auto& entry : *entries) {
    if (!entry.is_directory || entry.name == "lost+found") continue;
    auto directory = parse_partition_directory(entry.name);
    if (!directory) {
      return fail(ErrorKind::invalid_argument,
                  "the log directory " + log_directory + " has a directory '" + entry.name +
                      "' that is not <topic>-<partition>: a log directory holds topic data only; move it elsewhere");
    }
    directories.push_back(std::move(*directory));
  }
  return directories;
}

std::string shown_directory_name(const std::string& path) {
  std::string name;
  for (const char c : std::filesystem::absolute(path).string()) {
    if (c != '/' || !name.ends_with('/')) name += c;
  }
  if (name.size() > 1 && name.ends_with('/')) name.pop_back();
  return name;
}

std::string segment_file_name(Offset base_offset, std::string_view suffix) {
  auto digits = std::to_string(base_offset.value());
  return std::string(offset_digits - std::min(offset_digits, digits.size()), '0').append(digits).append(suffix);
}

std::optional<Offset> parse_segment_file_name(std::string_view name, std::string_view suffix) {
  if (name.size() != offset_digits + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  auto digits = name.substr(0, offset_digits);
  std::int64_t offset = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), offset);
  if (!is_digits(digits) || error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return Offset(offset);
}

}  // namespace millrace::log
