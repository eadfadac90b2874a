// To which offset a follower truncates its log by what its leader answers to OffsetForLeaderEpoch, or says of a
// diverging epoch in a fetch (Kafka: AbstractFetcherThread.getOffsetTruncationState; KIP-101, KIP-279, KIP-320).
//
// The follower asks for the latest epoch that it knows; the leader answers with the largest epoch that it has at or
// below that one, and where that ends:
//
//     leader      |-- 0 --|---- 2 ----|--- 5 ---          asked for 4: epoch 2 ends here ^
//     follower    |-- 0 --|-- 1 --|------ 4 ------
//
// A follower that has never seen the leader's epoch (2) truncates to the end of what it has below (0) and asks again
// with that; one that has it truncates to where it ends first, and is done.
//
// A pure function. Any thread.
#pragma once

#include "broker/base/types.h"
#include "broker/log/fetch_data.h"
#include "broker/log/leader_epoch_cache.h"

namespace millrace::log {

struct EpochTruncation {
  Offset offset;         // for PartitionLog::truncate_to; never above the log's end
  bool complete = true;  // false: ask the leader again, for the epoch that is the latest then

  friend bool operator==(const EpochTruncation&, const EpochTruncation&) = default;
};

// `leader`: its answer, none() for what it does not know. `high_watermark`: the follower's, to which it truncates
// when the leader knows nothing of its epochs.
EpochTruncation truncation_for(const EpochEndOffset& leader, const LeaderEpochCache& epochs, Offset log_end,
                               Offset high_watermark);

}  // namespace millrace::log
