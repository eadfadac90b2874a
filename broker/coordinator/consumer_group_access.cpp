#include "broker/coordinator/consumer_group_access.h"

namespace millrace::coordinator {

using protocol::ErrorCode;

namespace {

constexpr protocol::Version says_epoch_since = 9;

}  // namespace

ErrorCode check_commit(const ConsumerGroup& group, const OffsetCommitter& committer) {
  if (committer.member_epoch < 0 && group.members().empty()) return ErrorCode::none;
  const bool is_anonymous =
      committer.member_id.empty() && !committer.names_instance && committer.member_epoch == leaving_member_epoch;
  // Before version 3 TxnOffsetCommit names no member.
  if (committer.is_transactional && is_anonymous) return ErrorCode::none;
  const ConsumerGroupMember* const member = group.find(committer.member_id);
  if (member == nullptr) return ErrorCode::unknown_member_id;
  if (!committer.is_transactional && !member->classic && committer.version < says_epoch_since)
    return ErrorCode::unsupported_version;
  if (member->epoch == committer.member_epoch) return ErrorCode::none;
  const bool says_generation = committer.is_transactional || member->classic.has_value();
  return says_generation ? ErrorCode::illegal_generation : ErrorCode::stale_member_epoch;
}

ErrorCode check_fetch(const ConsumerGroup& group, const protocol::NullableString& member_id,
                      std::int32_t member_epoch) {
  if (!member_id && member_epoch < 0) return ErrorCode::none;
  const ConsumerGroupMember* const member = group.find(member_id.value_or(""));
  if (member == nullptr) return ErrorCode::unknown_member_id;
  if (member->epoch == member_epoch) return ErrorCode::none;
  return member->classic ? ErrorCode::illegal_generation : ErrorCode::stale_member_epoch;
}

}  // namespace millrace::coordinator
