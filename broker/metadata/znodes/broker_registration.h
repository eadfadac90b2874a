// /brokers/ids/<id> (ephemeral): how a broker is reached. Written as version 5, read from version 1 on; its czxid is the broker's epoch.
// Source: kafka.zk.BrokerIdZNode. As a broker of a ZooKeeper cluster does, it registers no features.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/metadata/cluster_image.h"

namespace millrace::metadata::znodes {

struct BrokerRegistration {
  std::vector<Endpoint> endpoints;
  std::optional<std::string> rack;
  std::int32_t jmx_port = -1;
  TimestampMs timestamp;  // of the registration

  friend bool operator==(const BrokerRegistration&, const BrokerRegistration&) = default;
};

std::string encode(const BrokerRegistration& registration);
Result<BrokerRegistration> decode_broker_registration(std::string_view payload);

}  // namespace millrace::metadata::znodes
