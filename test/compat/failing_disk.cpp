// Put before the C library of a broker: lets the disk below one directory fail while the broker runs, as no mount does on demand.
//
// What fails stands in the file that MILLRACE_FAILING_DISK names, and may change at any time; without a file nothing does:
//
//     DIRECTORY ERRNO CALLS...        ("/data/two 5 pwrite fdatasync"; the calls are those below; the journal
// beside the directory is on its disk)
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace {

std::string path_of(int descriptor) {
  std::string path(PATH_MAX, '\0');
  const auto size = ::readlink(("/proc/self/fd/" + std::to_string(descriptor)).c_str(), path.data(), path.size());
  path.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return path;
}

// The error that the call gets; 0: none.
int failure_of(const std::string& call, const std::string& path) {
  const char* rules = std::getenv("MILLRACE_FAILING_DISK");
  if (rules == nullptr || ::access(rules, F_OK) != 0) return 0;
  std::ifstream file(rules);
  std::string directory;
  int error = 0;
  if (!(file >> directory >> error) || !path.starts_with(directory)) return 0;
  for (std::string each; file >> each;) {
    if (each == call) return error;
  }
  return 0;
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

// -1 with errno, or 0 when the real call is to be made.
int fail(const char* call, int descriptor) {
  const int error = failure_of(call, path_of(descriptor));
  if (error == 0) return 0;
  errno = error;
  return -1;
}

}  // namespace

extern "C" {

ssize_t pwrite64(int descriptor, const void* bytes, std::size_t size, off64_t position) {
  static auto* const real = next<ssize_t(int, const void*, std::size_t, off64_t)>("pwrite64");
  return fail("pwrite", descriptor) != 0 ? -1 : real(descriptor, bytes, size, position);
}
ssize_t pwrite(int descriptor, const void* bytes, std::size_t size, off_t position) {
  return pwrite64(descriptor, bytes, size, position);
}

ssize_t pwritev64(int descriptor, const iovec* vectors, int count, off64_t position) {
  static auto* const real = next<ssize_t(int, const iovec*, int, off64_t)>("pwritev64");
  return fail("pwrite", descriptor) != 0 ? -1 : real(descriptor, vectors, count, position);
}
ssize_t pwritev(int descriptor, const iovec* vectors, int count, off_t position) {
  return pwritev64(descriptor, vectors, count, position);
}

int fdatasync(int descriptor) {
  static auto* const real = next<int(int)>("fdatasync");
  return fail("fdatasync", descriptor) != 0 ? -1 : real(descriptor);
}

ssize_t pread64(int descriptor, void* bytes, std::size_t size, off64_t position) {
  static auto* const real = next<ssize_t(int, void*, std::size_t, off64_t)>("pread64");
  return fail("pread", descriptor) != 0 ? -1 : real(descriptor, bytes, size, position);
}
ssize_t pread(int descriptor, void* bytes, std::size_t size, off_t position) {
  return pread64(descriptor, bytes, size, position);
}

}  // extern "C"
