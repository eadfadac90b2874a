// What is said to the coordinator for groups of the new protocol (KIP-848), and how it answers. Owned by whoever calls; the answers are called
// on the coordinator's shard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/unique_function.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/messages/consumer_group_describe.h"
#include "broker/protocol/messages/consumer_group_heartbeat.h"

namespace millrace::coordinator {

// Called once, within some call to the coordinator, whose state must not be touched from here: what the response views lives only
// until the answer returns.
using ConsumerGroupHeartbeatAnswer = UniqueFunction<void(const protocol::ConsumerGroupHeartbeatResponse&)>;
using ConsumerGroupDescribeAnswer = UniqueFunction<void(const protocol::ConsumerGroupDescribeResponse::Group&)>;
// Whether the client may see a topic that its regular expression finds. Asked until its heartbeat is answered.
using MayDescribeTopic = std::function<bool(std::string_view topic)>;

// How a conversion of all groups to classic ones ended: how many were converted, and the first error of an append.
struct ClassicConversion {
  std::size_t groups = 0;
  protocol::ErrorCode error = protocol::ErrorCode::none;

  // Those of another partition.
  void add(const ClassicConversion& other) {
    groups += other.groups;
    if (error == protocol::ErrorCode::none) error = other.error;
  }
};
using ClassicConversionAnswer = UniqueFunction<void(const ClassicConversion&)>;

// Whether a group may change its kind while it has members (group.consumer.migration.policy): a classic one when a member of the new protocol
// joins it, one of the new protocol when the last such member leaves it to classic ones.
enum class ConsumerGroupMigrationPolicy : std::uint8_t { disabled, upgrade, downgrade, bidirectional };

// Configuration rows of the same names, with Kafka's defaults.
struct ConsumerGroupConfig {
  std::int32_t group_consumer_session_timeout_ms = 45'000;
  std::int32_t group_consumer_heartbeat_interval_ms = 5'000;
  std::int32_t group_consumer_max_size = std::numeric_limits<std::int32_t>::max();
  std::vector<std::string> group_consumer_assignors = {"uniform", "range"};  // the first where no member asks
  ConsumerGroupMigrationPolicy group_consumer_migration_policy = ConsumerGroupMigrationPolicy::bidirectional;

  [[nodiscard]] bool may_upgrade() const {
    return group_consumer_migration_policy == ConsumerGroupMigrationPolicy::upgrade ||
           group_consumer_migration_policy == ConsumerGroupMigrationPolicy::bidirectional;
  }
  [[nodiscard]] bool may_downgrade() const {
    return group_consumer_migration_policy == ConsumerGroupMigrationPolicy::downgrade ||
           group_consumer_migration_policy == ConsumerGroupMigrationPolicy::bidirectional;
  }
};

}  // namespace millrace::coordinator
