#include "broker/network/stream.h"

#include <sys/sendfile.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "broker/base/bytes.h"

namespace millrace::network {
namespace {

IoResult failure() {
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoResult::Kind::would_block};
  return {IoResult::Kind::failed, 0, errno};
}

constexpr std::size_t small_write_bytes = 512;

// The pieces as one: the only one as it is, several small ones in `together`. Nothing where they do not fit.
BytesView joined(std::span<const iovec> pieces, MutableBytes together) {
  if (pieces.size() == 1) return {static_cast<const std::uint8_t*>(pieces[0].iov_base), pieces[0].iov_len};
  std::size_t size = 0;
  for (const auto& piece : pieces) {
    if (piece.iov_len > together.size() - size) return {};
    std::memcpy(together.data() + size, piece.iov_base, piece.iov_len);
    size += piece.iov_len;
  }
  return BytesView(together).first(size);
}

msghdr message_of(std::span<const iovec> pieces) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());  // neither call writes to the vector itself
  message.msg_iovlen = pieces.size();
  return message;
}

}  // namespace

// One piece needs no vector, which the kernel would have to copy and check.
IoResult PlainStream::read(std::span<const iovec> into) {
  auto message = message_of(into);
  for (;;) {
    auto count =
        into.size() == 1 ? ::recv(socket_, into[0].iov_base, into[0].iov_len, 0) : ::recvmsg(socket_, &message, 0);
    if (count > 0) return {IoResult::Kind::done, static_cast<std::size_t>(count)};
    if (count == 0) return {IoResult::Kind::end};
    if (errno != EINTR) return failure();
  }
}

IoResult PlainStream::write(std::span<const iovec> pieces, bool more) {
  const int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
  std::array<std::uint8_t, small_write_bytes> together;  // not value-initialised: most of it is not used
  const auto one = joined(pieces, together);
  auto message = message_of(pieces);
  for (;;) {
    auto count = one.empty() ? ::sendmsg(socket_, &message, flags) : ::send(socket_, one.data(), one.size(), flags);
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
