#include "broker/base/uncached_read.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

namespace millrace {
namespace {

// Of positions, sizes and memory of a direct read: what every block device takes.
constexpr std::uint64_t alignment = 4096;

// The same file opened once more: its flags and its read-ahead are its own.
class OpenedAgain {
 public:
  OpenedAgain(int descriptor, int flags)
      : descriptor_(::open(("/proc/self/fd/" + std::to_string(descriptor)).c_str(), O_RDONLY | O_CLOEXEC | flags)) {}
  ~OpenedAgain() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenedAgain(const OpenedAgain&) = delete;
  OpenedAgain& operator=(const OpenedAgain&) = delete;

  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  const int descriptor_;
};

// As pread, but for interruptions and short reads.
ssize_t read_all(int descriptor, std::uint64_t position, std::uint8_t* into, std::size_t count) {
  std::size_t done = 0;
  while (done < count) {
    const auto got = ::pread(descriptor, into + done, count - done, static_cast<off_t>(position + done));
    if (got > 0) {
      done += static_cast<std::size_t>(got);
      // Behind the file's end a direct read would start where it must not.
      if ((done % alignment) != 0) break;
    } else if (got == 0) {
      break;
    } else if (errno != EINTR) {
      return -errno;
    }
  }
  return static_cast<ssize_t>(done);
}

ssize_t read_direct(int descriptor, std::uint64_t position, MutableBytes into) {
  const auto begin = position / alignment * alignment;
  const auto end = (position + into.size() + alignment - 1) / alignment * alignment;
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  const std::unique_ptr<std::uint8_t, Free> memory(
      static_cast<std::uint8_t*>(std::aligned_alloc(alignment, static_cast<std::size_t>(end - begin))));
  if (memory == nullptr) return -ENOMEM;
  const auto got = read_all(descriptor, begin, memory.get(), static_cast<std::size_t>(end - begin));
  if (got < 0) return got;
  const auto before = static_cast<std::size_t>(position - begin);
  if (static_cast<std::size_t>(got) <= before) return 0;
  const auto count = std::min(static_cast<std::size_t>(got) - before, into.size());
  std::memcpy(into.data(), memory.get() + before, count);
  return static_cast<ssize_t>(count);
}

// What the cache has is taken from it; the rest goes out of it again.
ssize_t read_beside_cache(int descriptor, std::uint64_t position, MutableBytes into) {
  std::size_t done = 0;
  while (done < into.size()) {
    // Page by page, so that it is known which ones were not there.
    const auto at = position + done;
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>(into.size() - done, (at / alignment + 1) * alignment - at));
    const iovec place{into.data() + done, count};
    auto got = ::preadv2(descriptor, &place, 1, static_cast<off_t>(at), RWF_NOWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EOPNOTSUPP || errno == EINVAL)) {
      const bool was_absent = errno == EAGAIN;
      got = ::preadv2(descriptor, &place, 1, static_cast<off_t>(at), 0);
      if (was_absent && got > 0)
        ::posix_fadvise(descriptor, static_cast<off_t>(at / alignment * alignment), alignment, POSIX_FADV_DONTNEED);
    }
    if (got < 0 && errno != EINTR) return -errno;
    if (got == 0) break;
    if (got > 0) done += static_cast<std::size_t>(got);
  }
  return static_cast<ssize_t>(done);
}

}  // namespace

ssize_t read_uncached(int descriptor, std::uint64_t position, MutableBytes into) {
  return read_uncached(descriptor, position, into, read_direct);
}

ssize_t read_uncached(int descriptor, std::uint64_t position, MutableBytes into, DirectRead read_direct) {
  if (into.empty()) return 0;
  if (const OpenedAgain direct(descriptor, O_DIRECT); direct.is_open()) {
    const auto got = read_direct(direct.descriptor(), position, into);
    if (got >= 0 || got == -EIO) return got;
  }
  const OpenedAgain buffered(descriptor, 0);
  // Without a descriptor of its own, as when the process has no more of them, the read-ahead of others stays as it is.
  if (!buffered.is_open()) return read_beside_cache(descriptor, position, into);
  ::posix_fadvise(buffered.descriptor(), 0, 0, POSIX_FADV_RANDOM);
  return read_beside_cache(buffered.descriptor(), position, into);
}

}  // namespace millrace
