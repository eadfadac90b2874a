#include "broker/base/cpu_quota.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>

namespace millrace {
namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::optional<double> quota_of_version_1(const std::filesystem::path& folder) {
  return cpu_quota_of(text_of(folder / "cpu.cfs_quota_us") + " " + text_of(folder / "cpu.cfs_period_us"));
}

// Where this process is below the mounts: "0::/path" in version 2, "4:cpu,cpuacct:/path" in version 1. In a container that has a
// namespace for cgroups, the root.
std::string group_of(std::string_view controller) {
  std::istringstream groups(text_of("/proc/self/cgroup"));
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const auto controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool is_it = controller.empty() ? controllers == ",,"
                                          : controllers.find("," + std::string(controller) + ",") != std::string::npos;
    if (is_it) return line.substr(std::min(line.size(), second + 2));
  }
  return {};
}

// The least of the group's and of those that it is in.
template <class QuotaOf>
std::optional<double> least_upwards(const std::filesystem::path& mount, std::filesystem::path group,
                                    const QuotaOf& quota_of) {
  std::optional<double> least;
  for (;; group = group.parent_path()) {
    if (const auto quota = quota_of(mount / group)) least = std::min(*quota, least.value_or(*quota));
    if (group.empty()) return least;
  }
}

}  // namespace

std::optional<double> cpu_quota_of(std::string_view cpu_max) {
  std::istringstream fields{std::string(cpu_max)};
  std::int64_t quota_us = 0;
  std::int64_t period_us = 0;
  if (!(fields >> quota_us >> period_us) || quota_us <= 0 || period_us <= 0) return std::nullopt;
  return static_cast<double>(quota_us) / static_cast<double>(period_us);
}

std::optional<double> cpu_quota(const std::filesystem::path& root) {
  const auto version_2 =
      least_upwards(root, group_of(""), [](const auto& folder) { return cpu_quota_of(text_of(folder / "cpu.max")); });
  return version_2 ? version_2 : least_upwards(root / "cpu", group_of("cpu"), quota_of_version_1);
}

std::size_t usable_cores() {
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());  // those of sched_getaffinity(2)
  const auto quota = cpu_quota();
  return quota ? std::clamp<std::size_t>(static_cast<std::size_t>(std::ceil(*quota)), 1, cores) : cores;
}

}  // namespace millrace
