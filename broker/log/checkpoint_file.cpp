#include "broker/log/checkpoint_file.h"

#include <charconv>
#include <cstdint>
#include <optional>

namespace millrace::log {
namespace {

constexpr std::uint64_t checkpoint_limit_bytes = 256 * 1024 * 1024;

tl::unexpected<Error> malformed(const std::string& path, std::size_t line, std::string_view text,
                                const std::string& expected) {
  return fail(ErrorKind::corrupt, path + " line " + std::to_string(line) + ": expected " + expected + ", found '" +
                                      std::string(text.substr(0, 100)) + "'");
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string> split_words(std::string_view line) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < line.size();) {
    auto end = std::min(line.find(' ', at), line.size());
    if (end > at) words.emplace_back(line.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t at = 0; at < text.size();) {
    auto end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

}  // namespace

Result<std::vector<std::vector<std::string>>> read_checkpoint_lines(FileSystem& files, const std::string& path,
                                                                    std::size_t words_per_line) {
  std::vector<std::vector<std::string>> entries;
  auto text = files.read_text(path, checkpoint_limit_bytes);
  if (!text) {
    if (text.error().kind == ErrorKind::not_found) return entries;
    return tl::unexpected(text.error());
  }
  auto lines = split_lines(*text);
  if (lines.empty()) return entries;
  if (parse_number<int>(lines[0]) != 0) return malformed(path, 1, lines[0], "version 0");
  auto count = lines.size() > 1 ? parse_number<std::size_t>(lines[1]) : std::nullopt;
  if (!count) return malformed(path, 2, lines.size() > 1 ? lines[1] : "", "the number of entries");
  if (*count != lines.size() - 2) {
    return malformed(path, 2, lines[1], std::to_string(lines.size() - 2) + ", the number of lines that follow");
  }
  for (std::size_t line = 2; line < lines.size(); ++line) {
    auto words = split_words(lines[line]);
    if (words.size() != words_per_line)
      return malformed(path, line + 1, lines[line], std::to_string(words_per_line) + " words");
    entries.push_back(std::move(words));
  }
  return entries;
}

Status write_checkpoint_lines(FileSystem& files, const std::string& path, const std::vector<std::string>& lines) {
  std::string text = "0\n" + std::to_string(lines.size()) + "\n";
  for (const auto& line : lines) text.append(line).append("\n");
  return replace_file(files, path, text);
}

Result<PartitionOffsets> read_offset_checkpoint(FileSystem& files, const std::string& path) {
  auto entries = read_checkpoint_lines(files, path, 3);
  if (!entries) return tl::unexpected(entries.error());
  PartitionOffsets offsets;
  std::size_t line = 3;
  for (auto& words : *entries) {
    auto partition = parse_number<std::int32_t>(words[1]);
    auto offset = parse_number<std::int64_t>(words[2]);
    if (!partition || *partition < 0 || !offset || *offset < 0) {
      return malformed(path, line, words[0] + " " + words[1] + " " + words[2], "topic, partition and offset");
    }
    offsets.insert_or_assign({std::move(words[0]), PartitionIndex(*partition)}, Offset(*offset));
    ++line;
  }
  return offsets;
}

Status write_offset_checkpoint(FileSystem& files, const std::string& path, const PartitionOffsets& offsets) {
  std::vector<std::string> lines;
  lines.reserve(offsets.size());
  for (const auto& [partition, offset] : offsets) {
    lines.push_back(partition.topic + " " + std::to_string(partition.partition.value()) + " " +
                    std::to_string(offset.value()));
  }
  return write_checkpoint_lines(files, path, lines);
}

Result<std::vector<EpochStart>> read_epoch_checkpoint(FileSystem& files, const std::string& path) {
  auto entries = read_checkpoint_lines(files, path, 2);
  if (!entries) return tl::unexpected(entries.error());
  std::vector<EpochStart> epochs;
  std::size_t line = 3;
  for (const auto& words : *entries) {
    auto epoch = parse_number<std::int32_t>(words[0]);
    auto offset = parse_number<std::int64_t>(words[1]);
    if (!epoch || *epoch < 0 || !offset || *offset < 0) {
      return malformed(path, line, words[0] + " " + words[1], "a leader epoch and its start offset");
    }
    epochs.push_back({LeaderEpoch(*epoch), Offset(*offset)});
    ++line;
  }
  return epochs;
}

Status write_epoch_checkpoint(FileSystem& files, const std::string& path, const std::vector<EpochStart>& epochs) {
  std::vector<std::string> lines;
  lines.reserve(epochs.size());
  for (const auto& epoch : epochs) {
    lines.push_back(std::to_string(epoch.epoch.value()) + " " + std::to_string(epoch.start_offset.value()));
  }
  return write_checkpoint_lines(files, path, lines);
}

}  // namespace millrace::log
