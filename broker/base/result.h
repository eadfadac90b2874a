// Expected failures are values: Result<T> is either a T or an Error that says what went wrong in words a user can act on.
// Exceptions stop at the edges of third-party libraries; broken invariants abort (check.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace millrace {

// The kind of a failure, for code that must choose what to do; the message is for people.
enum class ErrorKind : std::uint8_t {
  invalid_argument,  // the caller's input is wrong; the message names what is wrong and what is allowed
  not_found,
  already_exists,
  version_mismatch,  // a conditional write found another version
  not_empty,
  corrupt,    // stored or received bytes fail their own checks
  truncated,  // input ends before the value does
  io,         // the operating system refused; the message has its word
  no_space,
  permission_denied,
  unavailable,      // not now: not connected, not yet started, stopping
  connection_loss,  // the outcome is unknown: check before trying again
  session_expired,
  timed_out,
  cancelled,
  resource_exhausted,  // a configured bound was met
  unsupported,
  conflict,  // somebody else owns it (a lock, a Lease, a field)
};

std::string_view to_string(ErrorKind kind);

struct Error {
  ErrorKind kind;
  std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;

using Status = Result<void>;

inline tl::unexpected<Error> fail(ErrorKind kind, std::string message) {
  return tl::unexpected<Error>(Error{kind, std::move(message)});
}

}  // namespace millrace
