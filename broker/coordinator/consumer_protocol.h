// What consumers of classic groups tell each other through their coordinator: subscriptions and assignments, in versions 0 to 3, of newer ones what
// version 3 has (org.apache.kafka.clients.consumer.internals.ConsumerProtocol, ConsumerProtocolSubscription.json,
// ConsumerProtocolAssignment.json). The coordinator reads it where members of both protocols are in one group. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/coordinator/partition_assignor.h"
#include "broker/coordinator/topic_directory.h"
#include "broker/protocol/versions.h"

namespace millrace::coordinator {

// The protocol type of groups whose members speak it.
inline constexpr std::string_view consumer_protocol_type = "consumer";

struct ConsumerSubscription {
  std::vector<std::string> topics;  // ascending, none twice
  AssignedPartitions owned;         // of topics that are known; none before version 1
  std::optional<std::string> rack_id;
};

// Errors: truncated or corrupt.
Result<ConsumerSubscription> decode_subscription(BytesView metadata, const TopicDirectory& directory);
// Of no bytes, nothing is assigned. Topics that are not known are left out. Errors: truncated or corrupt.
Result<AssignedPartitions> decode_assignment(BytesView bytes, const TopicDirectory& directory);
// In the version of the member's subscription. Topics that are not known are left out.
std::vector<std::uint8_t> encode_assignment(const AssignedPartitions& partitions, BytesView metadata,
                                            const TopicDirectory& directory);

}  // namespace millrace::coordinator
