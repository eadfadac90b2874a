#include "broker/metadata/znodes/partition_state.h"

#include <utility>

#include "broker/metadata/znodes/json_object.h"

namespace millrace::metadata::znodes {

std::string encode(const PartitionState& state) {
  std::string out = R"({"controller_epoch":)" + std::to_string(state.controller_epoch.value());
  out += R"(,"leader":)" + std::to_string(state.leader.value()) + R"(,"version":1)";
  if (state.recovering) out += R"(,"leader_recovery_state":1)";
  out += R"(,"leader_epoch":)" + std::to_string(state.leader_epoch.value());
  out += R"(,"isr":)" + array_of(state.isr) + "}";
  return out;
}

Result<PartitionState> decode_partition_state(std::string_view payload) {
  auto json = JsonObject::parse(payload, "the partition's state");
  if (!json) return tl::unexpected(std::move(json.error()));
  auto leader = json->int32("leader");
  if (!leader) return tl::unexpected(std::move(leader.error()));
  auto leader_epoch = json->int32("leader_epoch");
  if (!leader_epoch) return tl::unexpected(std::move(leader_epoch.error()));
  auto controller_epoch = json->int32("controller_epoch");
  if (!controller_epoch) return tl::unexpected(std::move(controller_epoch.error()));
  auto isr = json->broker_ids("isr");
  if (!isr) return tl::unexpected(std::move(isr.error()));
  PartitionState state;
  state.leader = BrokerId(*leader);
  state.leader_epoch = LeaderEpoch(*leader_epoch);
  state.controller_epoch = ControllerEpoch(*controller_epoch);
  state.isr = std::move(*isr);
  if (json->has("leader_recovery_state")) {
    auto recovery = json->integer("leader_recovery_state", 0, 1);
    if (!recovery) return tl::unexpected(std::move(recovery.error()));
    state.recovering = *recovery == 1;
  }
  return state;
}

}  // namespace millrace::metadata::znodes
