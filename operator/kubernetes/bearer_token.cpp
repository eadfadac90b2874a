#include "operator/kubernetes/bearer_token.h"

#include <fstream>
#include <iterator>
#include <utility>

#include "broker/base/logging.h"

namespace millrace::kubernetes {

namespace {

constexpr Logger logger{"kubernetes"};
constexpr std::size_t token_bytes_max = 64 << 10;

std::string read_token(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string token(token_bytes_max, '\0');
  stream.read(token.data(), static_cast<std::streamsize>(token.size()));
  token.resize(static_cast<std::size_t>(stream.gcount()));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' ')) token.pop_back();
  return token;
}

}  // namespace

BearerToken::BearerToken(std::string token, std::filesystem::path file, Duration reload, const Clock& clock)
    : file_(std::move(file)), reload_(reload), clock_(clock), token_(std::move(token)) {}

Result<std::string> BearerToken::authorization() {
  std::lock_guard lock(mutex_);
  MonotonicTime now = clock_.now();
  if (!file_.empty() && (!fresh_ || now - read_at_ >= reload_)) {
    std::string read = read_token(file_);
    if (!read.empty()) {
      token_ = std::move(read);
    } else if (token_.empty()) {
      return fail(ErrorKind::permission_denied, "cannot read a token from " + file_.string());
    } else {
      logger.warning("cannot read a token from " + file_.string() + "; the last one stays in use");
    }
    fresh_ = true;
    read_at_ = now;
  }
  if (token_.empty()) return std::string();
  return "Bearer " + token_;
}

bool BearerToken::expire() {
  std::lock_guard lock(mutex_);
  if (file_.empty() || !fresh_) return false;
  fresh_ = false;
  return true;
}

}  // namespace millrace::kubernetes
