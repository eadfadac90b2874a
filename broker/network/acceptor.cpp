#include "broker/network/acceptor.h"

#include <sys/socket.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace millrace::network {
namespace {

constexpr int accepts_per_turn = 64;
constexpr Duration pause = std::chrono::milliseconds(100);

}  // namespace

Acceptor::Acceptor(EventLoop& loop, std::shared_ptr<NetworkContext> context, std::string listener, UniqueFd socket,
                   Accepted accepted)
    : loop_(loop),
      context_(std::move(context)),
      listener_(std::move(listener)),
      unassigned_(std::move(socket)),
      socket_(loop_.context().get_executor()),
      accepted_(std::move(accepted)) {}

void Acceptor::start() {
  if (closed_) return;
  boost::system::error_code error;
  socket_.assign(unassigned_.get(), error);
  if (error) {
    context_->log.warning("listener " + listener_ + " cannot be watched yet: " + error.message());
    loop_.after(pause, [self = shared_from_this()] { self->start(); });
    return;
  }
  unassigned_.release();
  await_connection();
}

void Acceptor::close() {
  closed_ = true;
  unassigned_.reset();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void Acceptor::await_connection() {
  socket_.async_wait(SocketDescriptor::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
    if (!error) self->accept_some();
  });
}

void Acceptor::accept_some() {
  for (int accepts = 0; accepts < accepts_per_turn && !closed_; ++accepts) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    UniqueFd socket(
        ::accept4(socket_.native_handle(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      if (!survive(errno)) return;
      continue;
    }
    if (const auto wait = accepted_(std::move(socket), to_address(peer)); wait > Duration::zero())
      return accept_after(wait);
  }
  if (!closed_) await_connection();
}

bool Acceptor::survive(int error) {
  // The peer's network or patience failed between its connect and our accept (accept(2)).
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return true;
    default:
      break;
  }
  context_->accept_errors.add();
  context_->log.warning("listener " + listener_ +
                        " cannot accept a connection now: " + std::system_category().message(error));
  accept_after(pause);
  return false;
}

void Acceptor::accept_after(Duration delay) {
  loop_.after(delay, [self = shared_from_this()] {
    if (!self->closed_) self->accept_some();
  });
}

}  // namespace millrace::network
