#include "test/broker/base/failing_accepts.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace {
std::atomic<bool> fails{false};
std::atomic<int> failed{0};
}  // namespace

// The sanitizers' own, where there are any: the thread sanitizer learns from it what happened before what.
// NOLINTNEXTLINE(bugprone-reserved-identifier): the name is theirs
extern "C" int __interceptor_accept4(int listener, sockaddr* peer, socklen_t* size, int flags) __attribute__((weak));

extern "C" int accept4(int listener, sockaddr* peer, socklen_t* size, int flags) {
  if (fails) {
    ++failed;
    errno = EMFILE;
    return -1;
  }
  if (__interceptor_accept4 != nullptr) return __interceptor_accept4(listener, peer, size, flags);
  return static_cast<int>(::syscall(SYS_accept4, listener, peer, size, flags));
}

extern "C" int accept(int listener, sockaddr* peer, socklen_t* size) { return accept4(listener, peer, size, 0); }

namespace millrace {

FailingAccepts::FailingAccepts() {
  failed = 0;
  fails = true;
}

FailingAccepts::~FailingAccepts() { fails = false; }

int FailingAccepts::count() const { return failed; }

}  // namespace millrace
