// The token that says who we are. From a file it is read again each minute, because kubelets replace it long before it expires.
// Any thread.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>

#include "broker/base/clock.h"
#include "broker/base/result.h"

namespace millrace::kubernetes {

class BearerToken {
 public:
  // A fixed token, or a file, or neither: then authorization() is empty.
  BearerToken(std::string token, std::filesystem::path file, Duration reload, const Clock& clock);

  // The Authorization header's value. When the file cannot be read the last token goes on being used.
  Result<std::string> authorization();
  // The API server refused the token: read the file again at the next call. False if it would bring nothing new.
  bool expire();

 private:
  const std::filesystem::path file_;
  const Duration reload_;
  const Clock& clock_;
  std::mutex mutex_;
  std::string token_;
  bool fresh_ = false;
  MonotonicTime read_at_{};
};

}  // namespace millrace::kubernetes
