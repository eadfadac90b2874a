// Answers that several of the coordinator's files make.
#pragma once

#include <string_view>

#include "broker/coordinator/group.h"
#include "broker/coordinator/group_call.h"
#include "broker/protocol/messages/join_group.h"

namespace millrace::coordinator {

// The group's current generation for one of its members; its leader also hears of all members. Views the group.
protocol::JoinGroupResponse generation_answer(const Group& group, std::string_view member_id, bool with_members);

// A JoinGroup that is refused, as its client expects it.
void refuse_join(JoinAnswer& answer, const GroupClient& client, std::string_view member_id, protocol::ErrorCode error);

}  // namespace millrace::coordinator
