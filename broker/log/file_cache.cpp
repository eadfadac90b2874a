#include "broker/log/file_cache.h"

#include <utility>
#include <vector>

namespace millrace::log {

std::size_t FileCache::open_files() const {
  std::lock_guard lock(mutex_);
  return recently_used_.size();
}

CachedFile::~CachedFile() { forget(); }

std::string CachedFile::path() const {
  std::lock_guard lock(cache_.mutex_);
  return path_;
}

Result<std::shared_ptr<File>> CachedFile::open(OpenMode mode) {
  std::vector<std::shared_ptr<File>> closed;  // closes after the lock is given back
  std::unique_lock lock(cache_.mutex_);
  while (file_ == nullptr) {
    cache_.renamed_.wait(lock, [&] { return !renaming_; });
    if (file_ != nullptr) break;
    const auto path = path_;
    const auto renames = renames_;
    lock.unlock();
    auto opened = cache_.files_.open(path, mode);
    lock.lock();
    if (renames != renames_) {
      if (opened) closed.push_back(std::move(*opened));
      continue;
    }
    if (file_ != nullptr) break;
    if (!opened) return opened;
    file_ = std::move(*opened);
    cache_.recently_used_.push_front(this);
    place_ = cache_.recently_used_.begin();
  }
  cache_.recently_used_.splice(cache_.recently_used_.begin(), cache_.recently_used_, place_);
  while (cache_.recently_used_.size() > cache_.max_open_files_ && cache_.recently_used_.back() != this) {
    closed.push_back(std::move(cache_.recently_used_.back()->file_));
    cache_.recently_used_.back()->file_ = nullptr;
    cache_.recently_used_.pop_back();
  }
  return file_;
}

std::shared_ptr<File> CachedFile::if_open() {
  std::lock_guard lock(cache_.mutex_);
  if (file_ != nullptr) cache_.recently_used_.splice(cache_.recently_used_.begin(), cache_.recently_used_, place_);
  return file_;
}

Status CachedFile::rename(const std::string& to) {
  std::unique_lock lock(cache_.mutex_);
  cache_.renamed_.wait(lock, [&] { return !renaming_; });
  if (path_ == to) return {};
  renaming_ = true;
  ++renames_;
  const auto from = path_;
  lock.unlock();
  auto renamed = cache_.files_.rename(from, to);
  lock.lock();
  if (renamed) path_ = to;
  renaming_ = false;
  cache_.renamed_.notify_all();
  return renamed;
}

void CachedFile::moved_to(const std::string& path) {
  std::unique_lock lock(cache_.mutex_);
  cache_.renamed_.wait(lock, [&] { return !renaming_; });
  path_ = path;
  ++renames_;
}

void CachedFile::forget() {
  std::shared_ptr<File> closed;
  std::lock_guard lock(cache_.mutex_);
  if (file_ == nullptr) return;
  closed = std::move(file_);
  file_ = nullptr;
  cache_.recently_used_.erase(place_);
}

}  // namespace millrace::log
