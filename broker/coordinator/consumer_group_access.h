// Who may commit and fetch offsets of a group of the new protocol (ConsumerGroup.validateOffsetCommit and validateOffsetFetch of Kafka 4). Pure
// functions; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "broker/coordinator/consumer_group.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/versions.h"

namespace millrace::coordinator {

// What OffsetCommit and TxnOffsetCommit say of themselves.
struct OffsetCommitter {
  std::string_view member_id;
  std::int32_t member_epoch = -1;
  bool names_instance = false;
  bool is_transactional = false;
  protocol::Version version = 0;  // of OffsetCommit
};

// NONE; UNKNOWN_MEMBER_ID; UNSUPPORTED_VERSION for one that says a generation where it should say an epoch; STALE_MEMBER_EPOCH, or
// ILLEGAL_GENERATION in a transaction and of a classic member. An admin says no member and a negative epoch, and may commit while the group is empty.
[[nodiscard]] protocol::ErrorCode check_commit(const ConsumerGroup& group, const OffsetCommitter& committer);
// NONE, also for an admin, who says no member; UNKNOWN_MEMBER_ID; STALE_MEMBER_EPOCH, of a classic member ILLEGAL_GENERATION.
[[nodiscard]] protocol::ErrorCode check_fetch(const ConsumerGroup& group, const protocol::NullableString& member_id,
                                              std::int32_t member_epoch);

}  // namespace millrace::coordinator
