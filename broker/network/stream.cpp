#include "broker/network/stream.h"

#include <sys/sendfile.h>
#include <sys/socket.h>

#include <cerrno>

namespace millrace::network {
namespace {

IoResult failure() {
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoResult::Kind::would_block};
  return {IoResult::Kind::failed, 0, errno};
}

msghdr message_of(std::span<const iovec> pieces) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());  // neither call writes to the vector itself
  message.msg_iovlen = pieces.size();
  return message;
}

}  // namespace

IoResult PlainStream::read(std::span<const iovec> into) {
  auto message = message_of(into);
  for (;;) {
    auto count = ::recvmsg(socket_, &message, 0);
    if (count > 0) return {IoResult::Kind::done, static_cast<std::size_t>(count)};
    if (count == 0) return {IoResult::Kind::end};
    if (errno != EINTR) return failure();
  }
}

IoResult PlainStream::write(std::span<const iovec> pieces, bool more) {
  auto message = message_of(pieces);
  for (;;) {
    auto count = ::sendmsg(socket_, &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    if (count >= 0) return {IoResult::Kind::done, static_cast<std::size_t>(count)};
    if (errno != EINTR) return failure();
  }
}

IoResult PlainStream::send_file(int file, std::uint64_t position, std::size_t bytes) {
  for (;;) {
    auto offset = static_cast<off_t>(position);
    auto count = ::sendfile(socket_, file, &offset, bytes);
    if (count >= 0) return {IoResult::Kind::done, static_cast<std::size_t>(count)};
    if (errno != EINTR) return failure();
  }
}

}  // namespace millrace::network
