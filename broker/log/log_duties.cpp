#include "broker/log/log_duties.h"

#include <utility>

namespace millrace::log {

void LogDuties::add(const PartitionLog* log, std::weak_ptr<PartitionLog> pointer) {
  std::lock_guard lock(mutex_);
  logs_.insert_or_assign(log, std::move(pointer));
}

void LogDuties::remove(const PartitionLog* log) {
  std::lock_guard lock(mutex_);
  logs_.erase(log);
}

std::vector<std::shared_ptr<PartitionLog>> LogDuties::all() const {
  std::vector<std::shared_ptr<PartitionLog>> found;
  std::lock_guard lock(mutex_);
  found.reserve(logs_.size());
  for (const auto& [log, pointer] : logs_) {
    if (auto alive = pointer.lock()) found.push_back(std::move(alive));
  }
  return found;
}

}  // namespace millrace::log
