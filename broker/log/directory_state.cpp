#include "broker/log/directory_state.h"

namespace millrace::log {

std::string describe_progress(const std::vector<DirectoryState>& directories) {
  std::uint64_t total = 0;
  std::uint64_t loaded = 0;
  std::string left;
  for (const auto& directory : directories) {
    if (directory.offline) {
      left += "; " + directory.path + ": offline";
      continue;
    }
    total += directory.logs_total;
    loaded += directory.logs_loaded;
    const auto logs = directory.logs_total - directory.logs_loaded;
    const auto segments = directory.segments_total - directory.segments_recovered;
    if (logs == 0 && segments == 0) continue;
    left += "; " + directory.path + ": " + std::to_string(logs) + " logs and " + std::to_string(segments) +
            " segments left";
  }
  return std::to_string(loaded) + " of " + std::to_string(total) + " logs are loaded" + left;
}

}  // namespace millrace::log
