#include "broker/log/journal_volume.h"

#include <sys/stat.h>

#include <algorithm>

namespace millrace::log {
namespace {

std::optional<dev_t> volume_of(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return std::nullopt;
  return found.st_dev;
}

// Of a directory that is there, or is yet to be made.
std::optional<dev_t> future_volume_of(const std::string& path) {
  if (auto there = volume_of(path)) return there;
  const auto slash = path.rfind('/');
  return volume_of(slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1)));
}

}  // namespace

std::optional<std::string> warning_of_other_volume(const std::string& log_directory, const std::string& journal) {
  const auto of_logs = volume_of(log_directory);
  const auto of_journal = future_volume_of(journal);
  if (!of_logs || !of_journal || *of_logs == *of_journal) return std::nullopt;
  return "the log directory " + log_directory + " is a mount point, and its journal " + journal +
         " would be on another volume: what topics with flush.messages=1 have there may be gone when the volume of the "
         "log directory is not; set millrace.journal.dirs to a directory that lasts as long as it";
}

}  // namespace millrace::log
