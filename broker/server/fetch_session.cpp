#include "broker/server/fetch_session.h"

#include <functional>
#include <limits>

namespace millrace::server {

std::int32_t FetchSession::next_epoch(std::int32_t epoch) {
  if (epoch < 0) return final_epoch;
  return epoch == std::numeric_limits<std::int32_t>::max() ? 1 : epoch + 1;
}

std::size_t FetchSession::Hash::operator()(const Key& key) const noexcept {
  const auto topic = key.topic.empty() ? std::hash<Uuid>()(key.topic_id) : std::hash<std::string_view>()(key.topic);
  return topic * 31 + static_cast<std::size_t>(key.partition.value());
}

void FetchSession::set(const FetchTarget& target, const FetchAnswerSummary* answer) {
  auto found = index_.find(key_of(target));
  if (found == index_.end()) {
    auto& cached = order_.emplace_back(Cached{target});
    // A name of its own, not of the request or of the cluster's image, which would be kept alive by it.
    if (target.topic) {
      if (!last_topic_ || *last_topic_ != *target.topic)
        last_topic_ = std::make_shared<const std::string>(*target.topic);
      cached.target.topic = last_topic_;
    }
    found = index_.emplace(key_of(cached.target), std::prev(order_.end())).first;
  }
  auto& cached = *found->second;
  cached.target.wanted = target.wanted;
  if (answer == nullptr) return;
  cached.high_watermark = answer->high_watermark;
  cached.log_start_offset = answer->log_start_offset;
}

void FetchSession::forget(const TopicId& topic_id, std::string_view topic, PartitionIndex partition) {
  auto found = index_.find(key_of(topic_id, topic, partition));
  if (found == index_.end()) return;
  auto cached = found->second;
  index_.erase(found);
  order_.erase(cached);
}

std::size_t FetchSession::count_new(std::span<const FetchTarget> targets) const {
  std::size_t count = 0;
  for (const auto& target : targets) count += index_.contains(key_of(target)) ? 0 : 1;
  return count;
}

bool FetchSession::tell(const FetchTarget& target, const FetchAnswerSummary& answer) {
  auto found = index_.find(key_of(target));
  if (found == index_.end()) return false;
  auto& cached = *found->second;
  const bool must_tell = answer.has_records || answer.has_error || answer.is_news ||
                         cached.high_watermark != answer.high_watermark ||
                         cached.log_start_offset != answer.log_start_offset;
  // After an error the partition is told again even if nothing changed: the client learns that the error is over.
  cached.high_watermark = answer.has_error ? Offset::none() : answer.high_watermark;
  cached.log_start_offset = answer.log_start_offset;
  if (answer.has_records) order_.splice(order_.end(), order_, found->second);
  return must_tell;
}

}  // namespace millrace::server
