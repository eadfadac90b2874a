#include "broker/coordinator/group_member.h"

#include <algorithm>

namespace millrace::coordinator {

std::vector<GroupProtocol> copy_protocols(const std::vector<protocol::JoinGroupRequest::Protocol>& protocols) {
  std::vector<GroupProtocol> copies;
  copies.reserve(protocols.size());
  for (const auto& offered : protocols) {
    copies.push_back({std::string(offered.name), {offered.metadata.begin(), offered.metadata.end()}});
  }
  return copies;
}

bool GroupMember::matches(const std::vector<protocol::JoinGroupRequest::Protocol>& offered) const {
  return std::ranges::equal(protocols, offered, [](const GroupProtocol& known, const auto& other) {
    return known.name == other.name && std::ranges::equal(known.metadata, other.metadata);
  });
}

BytesView GroupMember::metadata_for(std::string_view protocol_name) const {
  const auto found = std::ranges::find(protocols, protocol_name, &GroupProtocol::name);
  return found == protocols.end() ? BytesView{} : BytesView(found->metadata);
}

}  // namespace millrace::coordinator
