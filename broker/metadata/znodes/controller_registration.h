// /controller (ephemeral while a ZooKeeper controller holds it) and /controller_epoch (a plain number, one up for every election).
// Source: kafka.zk.ControllerZNode, ControllerEpochZNode.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/base/result.h"
#include "broker/base/types.h"

namespace millrace::metadata::znodes {

struct ControllerRegistration {
  BrokerId broker;
  TimestampMs timestamp;
  std::int32_t kraft_epoch = -1;  // above -1 a KRaft controller owns the cluster: it must never be claimed

  friend bool operator==(const ControllerRegistration&, const ControllerRegistration&) = default;
};

std::string encode(const ControllerRegistration& registration);  // version 2
Result<ControllerRegistration> decode_controller_registration(std::string_view payload);

std::string encode(ControllerEpoch epoch);
Result<ControllerEpoch> decode_controller_epoch(std::string_view payload);

}  // namespace millrace::metadata::znodes
