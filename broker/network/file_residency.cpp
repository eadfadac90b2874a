#include "broker/network/file_residency.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <vector>

#include "broker/network/unique_fd.h"

namespace millrace::network {
namespace {

// Debian 12's headers do not know the call yet; its number is the same on every architecture.
constexpr long cachestat_call = 451;
constexpr std::uint64_t page_bytes = 4096;
constexpr std::uint64_t probe_step_bytes = 64 * 1024;
constexpr std::uint64_t read_step_bytes = 128 * 1024;

struct CacheRange {
  std::uint64_t offset;
  std::uint64_t length;
};
struct CacheStatistics {
  std::uint64_t cached;
  std::uint64_t dirty;
  std::uint64_t writeback;
  std::uint64_t evicted;
  std::uint64_t recently_evicted;
};

std::atomic<bool> has_cachestat{true};

bool probe(int file, std::uint64_t position) {
  char byte = 0;
  iovec into{&byte, 1};
  auto count = ::preadv2(file, &into, 1, static_cast<off_t>(position), RWF_NOWAIT);
  // What the file system cannot say (EOPNOTSUPP) is taken for resident: waiting for the pool each time would cost more.
  return count >= 0 || errno != EAGAIN;
}

// Where sendfile cannot be used, as in a root without devices.
void read_through(int file, std::uint64_t position, std::uint64_t bytes) {
  std::vector<char> unused(std::min(bytes, read_step_bytes));
  while (bytes > 0) {
    const auto count =
        ::pread(file, unused.data(), std::min<std::uint64_t>(bytes, unused.size()), static_cast<off_t>(position));
    if (count <= 0) return;
    position += static_cast<std::uint64_t>(count);
    bytes -= static_cast<std::uint64_t>(count);
  }
}

}  // namespace

void bring_in(int file, std::uint64_t position, std::uint64_t bytes) {
  static const UniqueFd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  auto at = static_cast<off_t>(position);
  const auto end = static_cast<off_t>(position + bytes);
  while (at < end) {
    const auto count = ::sendfile(nowhere.get(), file, &at, static_cast<std::size_t>(end - at));
    if (count < 0 && errno != EINTR)
      return read_through(file, static_cast<std::uint64_t>(at), static_cast<std::uint64_t>(end - at));
    if (count == 0) return;
  }
}

bool is_resident(int file, std::uint64_t position, std::uint64_t bytes) {
  if (bytes == 0) return true;
  if (has_cachestat.load(std::memory_order_relaxed)) {
    CacheRange range{position, bytes};
    CacheStatistics statistics{};
    if (::syscall(cachestat_call, file, &range, &statistics, 0) == 0) {
      auto pages = (position + bytes - 1) / page_bytes - position / page_bytes + 1;
      return statistics.cached >= pages;
    }
    if (errno == ENOSYS || errno == EPERM) has_cachestat.store(false, std::memory_order_relaxed);
  }
  for (std::uint64_t step = 0; step < bytes; step += probe_step_bytes) {
    if (!probe(file, position + step)) return false;
  }
  return probe(file, position + bytes - 1);
}

}  // namespace millrace::network
