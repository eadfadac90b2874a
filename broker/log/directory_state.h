// What is known of a log directory while its broker starts and runs: for /readyz, metrics, log lines and
// DescribeLogDirs.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace millrace::log {

// How far the load of a directory has come. Any thread.
struct DirectoryProgress {
  std::atomic<std::uint32_t> logs_total{0};
  std::atomic<std::uint32_t> logs_loaded{0};
  std::atomic<std::uint32_t> segments_total{0};  // known to need recovery; more may follow while logs are left
  std::atomic<std::uint32_t> segments_recovered{0};
};

struct DirectoryState {
  std::string path;                    // as log.dirs has it
  std::optional<std::string> offline;  // why it is
  std::uint32_t logs_total = 0;
  std::uint32_t logs_loaded = 0;
  std::uint32_t segments_total = 0;
  std::uint32_t segments_recovered = 0;
};

// "412 of 10000 logs are loaded; /data/a: 35 segments left", with every directory that has something left.
std::string describe_progress(const std::vector<DirectoryState>& directories);

}  // namespace millrace::log
