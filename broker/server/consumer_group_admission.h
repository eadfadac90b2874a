// Whether members of the protocol of KIP-848 are taken into groups: not while a broker of the cluster is Apache Kafka with ZooKeeper, to which
// the group's coordinator may move at any time, and which could not go on with it. Who is in a group stays. Values; any thread.
#pragma once

#include <string>

#include "broker/coordinator/consumer_group.h"
#include "broker/metadata/cluster_image.h"
#include "broker/protocol/messages/consumer_group_heartbeat.h"

namespace millrace::server {

// Why no new member is taken, in words for people; empty where nothing speaks against it.
std::string refusal_of_new_members(const metadata::ClusterImage& image);

// Whether the heartbeat is that of somebody who is not in the group, which is null where there is none. Static members that come back are in it.
bool is_new_member(const coordinator::ConsumerGroup* group, const protocol::ConsumerGroupHeartbeatRequest& request);

}  // namespace millrace::server
