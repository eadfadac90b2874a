// How much of the machine's cores the kernel lets this process use: a container's limit (resources.limits.cpu of a pod).
// Source: the kernel's admin-guide/cgroup-v2.rst, "CPU Interface Files"; scheduler/sched-bwc.rst for version 1.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace millrace {

// In cores. nullopt: no limit is known. Reads a few small files of the kernel's; any thread. `root` is where cgroups are mounted.
std::optional<double> cpu_quota(const std::filesystem::path& root = "/sys/fs/cgroup");

// Of a version 2 file cpu.max: "max 100000" or "150000 100000", microseconds in a period.
std::optional<double> cpu_quota_of(std::string_view cpu_max);

// Cores that this process can keep busy: those that it may run on, and no more than its quota; at least 1.
std::size_t usable_cores();

}  // namespace millrace
