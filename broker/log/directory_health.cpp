#include "broker/log/directory_health.h"

#include <utility>

namespace millrace::log {

bool is_directory_failure(const Error& error) {
  return error.kind == ErrorKind::io || error.kind == ErrorKind::no_space || error.kind == ErrorKind::permission_denied;
}

DirectoryHealth::DirectoryHealth(const std::vector<std::string>& paths) {
  directories_.reserve(paths.size());
  for (const auto& path : paths) {
    directories_.push_back(std::make_unique<Directory>());
    directories_.back()->path = path;
  }
}

std::size_t DirectoryHealth::directory_of(std::string_view path) const {
  auto found = directories_.size();
  std::size_t longest = 0;
  for (std::size_t number = 0; number < directories_.size(); ++number) {
    const std::string_view directory = directories_[number]->path;
    if (!path.starts_with(directory)) continue;
    const bool inside = path.size() == directory.size() || path[directory.size()] == '/' || directory.ends_with('/');
    if (!inside || (found != directories_.size() && directory.size() <= longest)) continue;
    found = number;
    longest = directory.size();
  }
  return found;
}

std::string DirectoryHealth::reason(std::size_t directory) const {
  std::lock_guard lock(mutex_);
  return directory < directories_.size() ? directories_[directory]->reason : std::string();
}

void DirectoryHealth::report(std::size_t directory, const Error& error) {
  if (is_directory_failure(error)) take_offline(directory, error);
}

void DirectoryHealth::take_offline(std::size_t directory, const Error& error) {
  if (!is_online(directory) || directory >= directories_.size()) return;
  {
    std::lock_guard lock(mutex_);
    if (directories_[directory]->offline.load(std::memory_order_relaxed)) return;
    directories_[directory]->reason = error.message;
    directories_[directory]->offline.store(true, std::memory_order_release);
    ++offline_count_;
  }
  if (listener_) listener_(directory, error);
}

Error DirectoryHealth::offline_error(std::size_t directory) const {
  return {ErrorKind::unavailable,
          "the log directory " + directories_[directory]->path + " is offline since " + reason(directory)};
}

}  // namespace millrace::log
