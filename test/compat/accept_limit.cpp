// Put before the C library of a broker that is built with sanitizers: lets accept fail as it does when the process has no descriptor
// left, while there are more for the sanitizers themselves. UBSan looks at an object through a pipe, and takes a good one for a bad one
// where it gets none; a real limit (RLIMIT_NOFILE) cannot tell its descriptors from the broker's.
//
// The limit stands in the file that MILLRACE_ACCEPT_LIMIT names, in decimal, and may change at any time; without a file there is none.
// Like the kernel's limit it is of descriptor numbers: one that would be as large is refused.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>

namespace {

int limit() {
  const char* path = std::getenv("MILLRACE_ACCEPT_LIMIT");
  if (path == nullptr) return INT_MAX;
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return INT_MAX;
  std::array<char, 16> text{};
  const auto size = ::read(file, text.data(), text.size() - 1);
  ::close(file);
  return size > 0 ? std::atoi(text.data()) : INT_MAX;
}

int next_descriptor() {
  const int descriptor = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
  if (descriptor >= 0) ::close(descriptor);
  return descriptor;
}

}  // namespace

extern "C" int accept4(int listener, sockaddr* address, socklen_t* length, int flags) {
  using Accept = int (*)(int, sockaddr*, socklen_t*, int);
  static const auto real = reinterpret_cast<Accept>(::dlsym(RTLD_NEXT, "accept4"));
  const int descriptor = next_descriptor();
  if (descriptor < 0 || descriptor >= limit()) {
    errno = EMFILE;
    return -1;
  }
  return real(listener, address, length, flags);
}
