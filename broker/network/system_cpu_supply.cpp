#include "broker/network/system_cpu_supply.h"

#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>

namespace millrace::network {
namespace {

Duration of_ticks(std::int64_t ticks) {
  const auto per_second = ::sysconf(_SC_CLK_TCK);
  return per_second > 0 ? Duration(std::chrono::seconds(1)) / per_second * ticks : Duration::zero();
}

// "cpu3 user nice system idle iowait …", in ticks.
Duration idle_of_usable_cores(const std::filesystem::path& proc) {
  cpu_set_t usable;
  CPU_ZERO(&usable);
  if (::sched_getaffinity(0, sizeof usable, &usable) != 0) return Duration::zero();
  std::int64_t ticks = 0;
  std::ifstream stat(proc / "stat");
  for (std::string line; std::getline(stat, line) && line.starts_with("cpu");) {
    std::istringstream fields(line.substr(3));
    unsigned core = 0;
    std::int64_t user = 0;
    std::int64_t nice = 0;
    std::int64_t system = 0;
    std::int64_t idle = 0;
    std::int64_t io_wait = 0;
    // The first line, of all cores, begins with a blank.
    if (line.size() < 4 || line[3] == ' ' || !(fields >> core >> user >> nice >> system >> idle >> io_wait)) continue;
    if (core < CPU_SETSIZE && CPU_ISSET(core, &usable)) ticks += idle + io_wait;
  }
  return of_ticks(ticks);
}

// "time on a core, time waiting for one, slices", in nanoseconds.
Duration delay_of_this_thread(const std::filesystem::path& proc) {
  std::ifstream schedstat(proc / "thread-self/schedstat");
  std::int64_t ran_ns = 0;
  std::int64_t waited_ns = 0;
  return schedstat >> ran_ns >> waited_ns ? Duration(std::chrono::nanoseconds(waited_ns)) : Duration::zero();
}

}  // namespace

Duration SystemCpuSupply::unused_quota(double quota_cores) const {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
  const auto granted =
      std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::nano>(since_boot) * quota_cores);
  return granted - std::chrono::seconds(used.tv_sec) - std::chrono::nanoseconds(used.tv_nsec);
}

CpuSample SystemCpuSupply::sample() {
  const auto cores = idle_of_usable_cores(proc_);
  return {idle_.add(cores, quota_cores_ ? unused_quota(*quota_cores_) : cores), delay_of_this_thread(proc_)};
}

}  // namespace millrace::network
