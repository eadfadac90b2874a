#include "broker/server/group_calls.h"

#include <string>

#include "broker/replication/replica_manager.h"
#include "broker/server/internal_topics.h"

namespace millrace::server {

GroupPlace place_of_group(RequestContext& context, std::string_view group_id) {
  const auto partition = coordinator_partition(context.image(), group_topic, group_id);
  if (!partition) return {context.shard().id(), PartitionIndex::none()};
  return {replication::owner_of(group_topic, *partition, context.services().shards.size()), *partition};
}

coordinator::GroupClient group_client(RequestContext& context) {
  return {context.version(), context.header().client_id.value_or(""),
          context.keep("/" + context.connection().peer_host)};
}

}  // namespace millrace::server
