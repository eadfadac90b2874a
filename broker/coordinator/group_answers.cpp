#include "broker/coordinator/group_answers.h"

namespace millrace::coordinator {

protocol::JoinGroupResponse generation_answer(const Group& group, std::string_view member_id, bool with_members) {
  protocol::JoinGroupResponse response;
  response.generation_id = group.generation();
  if (group.protocol_type()) response.protocol_type = *group.protocol_type();
  if (group.protocol_name()) response.protocol_name = *group.protocol_name();
  response.leader = group.leader_id();
  response.member_id = member_id;
  if (!with_members) return response;
  response.members.reserve(group.size());
  for (const auto& member : group.members()) {
    auto& listed = response.members.emplace_back();
    listed.member_id = member.id;
    if (member.instance_id) listed.group_instance_id = *member.instance_id;
    if (group.protocol_name()) listed.metadata = member.metadata_for(*group.protocol_name());
  }
  return response;
}

void refuse_join(JoinAnswer& answer, const GroupClient& client, std::string_view member_id, protocol::ErrorCode error) {
  constexpr protocol::Version null_protocol_since = 7;
  protocol::JoinGroupResponse response;
  response.error_code = error;
  response.member_id = member_id;
  if (client.version >= null_protocol_since) response.protocol_name.reset();
  answer(response);
}

}  // namespace millrace::coordinator
