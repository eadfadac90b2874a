#include "broker/log/log_duties.h"

#include <utility>

namespace millrace::log {

void LogDuties::add(const PartitionLog* log, std::weak_ptr<PartitionLog> pointer) {
  std::lock_guard lock(mutex_);
  if (auto [place, added] = places_.emplace(log, next_); added) logs_.emplace(next_++, std::move(pointer));
}

void LogDuties::remove(const PartitionLog* log) {
  std::lock_guard lock(mutex_);
  const auto place = places_.find(log);
  if (place == places_.end()) return;
  logs_.erase(place->second);
  places_.erase(place);
}

std::vector<std::shared_ptr<PartitionLog>> LogDuties::all() const {
  std::vector<std::shared_ptr<PartitionLog>> found;
  std::lock_guard lock(mutex_);
  found.reserve(logs_.size());
  for (const auto& [place, pointer] : logs_) {
    if (auto alive = pointer.lock()) found.push_back(std::move(alive));
  }
  return found;
}

}  // namespace millrace::log
