#include "broker/log/leader_epoch_cache.h"

#include <algorithm>

#include "broker/base/check.h"

namespace millrace::log {

LeaderEpochCache::LeaderEpochCache(const std::vector<EpochStart>& entries) {
  for (const auto& entry : entries) assign(entry.epoch, entry.start_offset);
}

bool LeaderEpochCache::assign(LeaderEpoch epoch, Offset start_offset) {
  MILLRACE_INVARIANT(epoch >= LeaderEpoch(0) && start_offset >= Offset(0),
                     "leader epochs and their start offsets are not negative");
  if (!entries_.empty() && entries_.back().epoch == epoch && entries_.back().start_offset <= start_offset) return false;
  while (!entries_.empty() && (entries_.back().epoch >= epoch || entries_.back().start_offset >= start_offset))
    entries_.pop_back();
  entries_.push_back({epoch, start_offset});
  return true;
}

LeaderEpoch LeaderEpochCache::epoch_for(Offset offset) const {
  auto after = std::ranges::upper_bound(entries_, offset, {}, &EpochStart::start_offset);
  return after == entries_.begin() ? LeaderEpoch::none() : std::prev(after)->epoch;
}

EpochEndOffset LeaderEpochCache::end_offset_for(LeaderEpoch requested, Offset log_end) const {
  if (requested == LeaderEpoch::none() || requested > latest()) return {};
  if (requested == latest()) return {requested, log_end};
  auto higher = std::ranges::upper_bound(entries_, requested, {}, &EpochStart::epoch);
  if (higher == entries_.begin()) return {requested, higher->start_offset};
  return {std::prev(higher)->epoch, higher->start_offset};
}

bool LeaderEpochCache::truncate_from_end(Offset end) {
  auto before = entries_.size();
  while (!entries_.empty() && entries_.back().start_offset >= end) entries_.pop_back();
  return entries_.size() != before;
}

bool LeaderEpochCache::truncate_from_start(Offset start) {
  auto after = std::ranges::upper_bound(entries_, start, {}, &EpochStart::start_offset);
  if (after == entries_.begin() || std::prev(after)->start_offset == start) {
    auto removed = after != entries_.begin() && std::prev(after) != entries_.begin();
    if (removed) entries_.erase(entries_.begin(), std::prev(after));
    return removed;
  }
  std::prev(after)->start_offset = start;
  entries_.erase(entries_.begin(), std::prev(after));
  return true;
}

}  // namespace millrace::log
