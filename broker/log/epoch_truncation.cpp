#include "broker/log/epoch_truncation.h"

#include <algorithm>

namespace millrace::log {

EpochTruncation truncation_for(const EpochEndOffset& leader, const LeaderEpochCache& epochs, Offset log_end,
                               Offset high_watermark) {
  if (leader.end_offset == Offset::none()) return {std::min(high_watermark, log_end), true};
  const auto leaders_end = std::min(leader.end_offset, log_end);
  // A leader from before KIP-279 names no epoch.
  if (leader.leader_epoch == LeaderEpoch::none()) return {leaders_end, true};
  const auto own = epochs.end_offset_for(leader.leader_epoch, log_end);
  if (own.end_offset == Offset::none()) return {leaders_end, true};
  if (own.leader_epoch != leader.leader_epoch) return {std::min(own.end_offset, log_end), false};
  return {std::min(own.end_offset, leaders_end), true};
}

}  // namespace millrace::log
