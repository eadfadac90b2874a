#include "broker/network/socket_poller.h"

#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>

namespace millrace::network {

Status SocketPoller::open() {
  epoll_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
  if (epoll_) return {};
  return fail(ErrorKind::resource_exhausted, "cannot make an epoll: " + std::system_category().message(errno));
}

Status SocketPoller::add(int descriptor, std::uint32_t events, SocketWatcher& watcher) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &watcher;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0) return {};
  return fail(ErrorKind::resource_exhausted, std::system_category().message(errno));
}

Status SocketPoller::watch(int descriptor, SocketWatcher& watcher) {
  return add(descriptor, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, watcher);
}

Status SocketPoller::watch(SocketPoller& other, SocketWatcher& watcher) {
  return add(other.epoll_.get(), EPOLLIN, watcher);
}

void SocketPoller::forget(int descriptor, const SocketWatcher& watcher) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr);
  // It may be among those that are to be told in this turn.
  for (auto index = next_; index < end_; ++index) {
    if (events_[index].data.ptr == &watcher) events_[index].data.ptr = nullptr;
  }
}

void SocketPoller::wait(Duration wait) {
  const auto wait_ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  const int ready =
      ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), static_cast<int>(wait_ms));
  next_ = 0;
  end_ = ready > 0 ? static_cast<std::size_t>(ready) : 0;
}

void SocketPoller::tell() {
  while (next_ < end_) {
    const auto& event = events_[next_++];
    auto* watcher = static_cast<SocketWatcher*>(event.data.ptr);
    if (watcher == nullptr) continue;
    Readiness readiness;
    readiness.ended = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    readiness.readable = readiness.ended || (event.events & EPOLLIN) != 0;
    readiness.writable = (event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
    watcher->on_ready(readiness);
  }
}

}  // namespace millrace::network
