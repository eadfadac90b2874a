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
      socket_(std::move(socket)),
      accepted_(std::move(accepted)) {}

void Acceptor::start() {
  if (closed_) return;
  waits_ = true;
  if (auto watched = loop_.sockets().watch(socket_.get(), *this); !watched) {
    context_->log.warning("listener " + listener_ + " cannot be watched yet: " + watched.error().message);
    loop_.after(pause, [self = shared_from_this()] { self->start(); });
  }
}

void Acceptor::close() {
  if (std::exchange(closed_, true)) return;
  loop_.sockets().forget(socket_.get(), *this);
  socket_.reset();
}

void Acceptor::on_ready(Readiness) {
  auto self = shared_from_this();
  if (waits_) accept_some();
}

void Acceptor::accept_some() {
  waits_ = false;
  for (int accepts = 0; accepts < accepts_per_turn && !closed_; ++accepts) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    UniqueFd socket(::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        waits_ = true;
        return;
      }
      if (!survive(errno)) return;
      continue;
    }
    if (const auto wait = accepted_(std::move(socket), to_address(peer)); wait > Duration::zero())
      return accept_after(wait);
  }
  // There may be more; the other work of the shard comes first.
  if (!closed_) accept_after(Duration::zero());
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
