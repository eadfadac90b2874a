#include "operator/reconcile/outcome.h"

#include <utility>

namespace millrace::reconcile {
namespace {

std::string reason_for(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::permission_denied:
      return "PermissionDenied";
    case ErrorKind::invalid_argument:
      return "Rejected";
    case ErrorKind::conflict:
      return "FieldConflict";
    case ErrorKind::already_exists:
      return "NameTaken";
    case ErrorKind::unsupported:
      return "Unsupported";
    default:
      return "Unavailable";
  }
}

}  // namespace

Outcome done(std::string reason, std::string message) {
  return {Outcome::Kind::done, std::move(reason), std::move(message), std::nullopt};
}

Outcome waiting(std::string reason, std::string message, std::optional<Duration> look_again) {
  return {Outcome::Kind::waiting, std::move(reason), std::move(message), look_again};
}

Outcome problem(std::string reason, std::string message, std::optional<Duration> look_again) {
  return {Outcome::Kind::problem, std::move(reason), std::move(message), look_again};
}

Outcome failed(const Error& error) {
  bool passing = error.kind == ErrorKind::version_mismatch || error.kind == ErrorKind::not_found ||
                 error.kind == ErrorKind::cancelled || error.kind == ErrorKind::session_expired;
  return {passing ? Outcome::Kind::retry : Outcome::Kind::failed, reason_for(error.kind), error.message, std::nullopt};
}

}  // namespace millrace::reconcile
