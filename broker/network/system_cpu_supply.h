// What the machine's cores have left, as the kernel counts it. Where it does not tell, nothing is idle and nobody waits.
// Source: proc(5), /proc/stat and /proc/thread-self/schedstat; sched_getaffinity(2).
#pragma once

#include "broker/network/thread_sharing.h"

namespace millrace::network {

class SystemCpuSupply final : public CpuSupply {
 public:
  // Reads two small files of /proc, which never wait for a disk: for a thread that has no time left, ten times a second.
  [[nodiscard]] CpuSample sample() override;
};

}  // namespace millrace::network
