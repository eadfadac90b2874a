#include "broker/log/retention_schedule.h"

namespace millrace::log {

void RetentionSchedule::move(std::weak_ptr<PartitionLog> pointer, std::optional<Place>& place,
                             std::optional<Place> wanted) {
  std::lock_guard lock(mutex_);
  if (place) (place->compacted ? compacted_ : plain_).erase({place->due, place->number});
  place = wanted;
  if (!place) return;
  place->number = next_++;
  (place->compacted ? compacted_ : plain_).emplace(std::pair(place->due, place->number), std::move(pointer));
}

std::vector<std::shared_ptr<PartitionLog>> RetentionSchedule::due(TimestampMs now, bool compacted) const {
  std::vector<std::shared_ptr<PartitionLog>> found;
  std::lock_guard lock(mutex_);
  for (const auto& [key, pointer] : compacted ? compacted_ : plain_) {
    if (key.first > now) break;
    if (auto log = pointer.lock()) found.push_back(std::move(log));
  }
  return found;
}

std::size_t RetentionSchedule::size() const {
  std::lock_guard lock(mutex_);
  return plain_.size() + compacted_.size();
}

}  // namespace millrace::log
