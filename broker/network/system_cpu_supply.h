// What the machine's cores have left, as the kernel counts it. Where it does not tell, nothing is idle and nobody waits.
// What a container's limit forbids is not idle.
// Source: proc(5), /proc/stat and /proc/thread-self/schedstat; sched_getaffinity(2).
#pragma once

#include <optional>

#include "broker/base/cpu_quota.h"
#include "broker/network/thread_sharing.h"

namespace millrace::network {

class SystemCpuSupply final : public CpuSupply {
 public:
  // Reads two small files of /proc, which never wait for a disk: for a thread that has no time left, ten times a second.
  [[nodiscard]] CpuSample sample() override;

 private:
  struct Idle {
    Duration cores;    // of all cores, as the kernel counts it
    Duration allowed;  // what the quota has allowed since the process began, and it has not used
  };
  [[nodiscard]] Idle look() const;

  const std::optional<double> quota_cores_ = cpu_quota();
  std::optional<Idle> before_;
  Duration idle_ = Duration::zero();
};

}  // namespace millrace::network
