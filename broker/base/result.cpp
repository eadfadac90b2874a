#include "broker/base/result.h"

namespace millrace {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid_argument:
      return "invalid argument";
    case ErrorKind::not_found:
      return "not found";
    case ErrorKind::already_exists:
      return "already exists";
    case ErrorKind::version_mismatch:
      return "version mismatch";
    case ErrorKind::not_empty:
      return "not empty";
    case ErrorKind::corrupt:
      return "corrupt";
    case ErrorKind::truncated:
      return "truncated";
    case ErrorKind::io:
      return "I/O error";
    case ErrorKind::no_space:
      return "no space";
    case ErrorKind::permission_denied:
      return "permission denied";
    case ErrorKind::unavailable:
      return "unavailable";
    case ErrorKind::connection_loss:
      return "connection loss";
    case ErrorKind::session_expired:
      return "session expired";
    case ErrorKind::timed_out:
      return "timed out";
    case ErrorKind::cancelled:
      return "cancelled";
    case ErrorKind::resource_exhausted:
      return "resource exhausted";
    case ErrorKind::unsupported:
      return "unsupported";
    case ErrorKind::conflict:
      return "conflict";
  }
  return "unknown";
}

}  // namespace millrace
