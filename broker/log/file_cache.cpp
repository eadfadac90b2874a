#include "broker/log/file_cache.h"

#include <utility>
#include <vector>

namespace millrace::log {

std::size_t FileCache::open_files() const {
  std::lock_guard lock(mutex_);
  return recently_used_.size();
}

CachedFile::~CachedFile() { forget(); }

Result<std::shared_ptr<File>> CachedFile::open(OpenMode mode) {
  {
    std::lock_guard lock(cache_.mutex_);
    if (file_ != nullptr) {
      cache_.recently_used_.splice(cache_.recently_used_.begin(), cache_.recently_used_, place_);
      return file_;
    }
  }
  auto opened = cache_.files_.open(path_, mode);
  if (!opened) return opened;
  std::vector<std::shared_ptr<File>> closed;  // closes after the lock is given back
  std::lock_guard lock(cache_.mutex_);
  if (file_ == nullptr) {
    file_ = std::move(*opened);
    cache_.recently_used_.push_front(this);
    place_ = cache_.recently_used_.begin();
  }
  while (cache_.recently_used_.size() > cache_.max_open_files_ && cache_.recently_used_.back() != this) {
    closed.push_back(std::move(cache_.recently_used_.back()->file_));
    cache_.recently_used_.back()->file_ = nullptr;
    cache_.recently_used_.pop_back();
  }
  return file_;
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
