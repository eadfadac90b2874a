// What the machine's cores have left, as the kernel counts it. Where it does not tell, nothing is idle and nobody waits.
// What a container's limit forbids is not idle.
// Source: proc(5), /proc/stat and /proc/thread-self/schedstat; sched_getaffinity(2).
#pragma once

#include <filesystem>
#include <optional>
#include <utility>

#include "broker/base/cpu_quota.h"
#include "broker/network/thread_sharing.h"

namespace millrace::network {

class SystemCpuSupply final : public CpuSupply {
 public:
  // `proc` is where proc(5) is mounted; `quota_cores`: no more than these may be used, nullopt: all.
  explicit SystemCpuSupply(std::filesystem::path proc = "/proc", std::optional<double> quota_cores = cpu_quota())
      : proc_(std::move(proc)), quota_cores_(quota_cores) {}

  // Reads two small files of /proc, which never wait for a disk: for a thread that has no time left, ten times a second.
  [[nodiscard]] CpuSample sample() override;

 private:
  // What the quota has granted since the machine's start, and this process has not used.
  [[nodiscard]] Duration unused_quota(double quota_cores) const;

  const std::filesystem::path proc_;
  const std::optional<double> quota_cores_;
  UsableIdleTime idle_;
};

}  // namespace millrace::network
