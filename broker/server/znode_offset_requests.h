// Version 0 of OffsetCommit and OffsetFetch: consumers of Kafka 0.8, whose offsets are in the metadata store and no group's
// (KafkaApis.commitOffsetsToZookeeper, handleOffsetFetchRequestFromZookeeper). On the connection's shard.
#pragma once

#include "broker/base/task.h"
#include "broker/protocol/messages/offset_commit.h"
#include "broker/protocol/messages/offset_fetch.h"

namespace millrace::server {

class RequestContext;

// Of partitions that exist.
Task<protocol::OffsetCommitResponse> commit_to_znodes(const protocol::OffsetCommitRequest& request,
                                                      RequestContext& context);
Task<protocol::OffsetFetchResponse> fetch_from_znodes(const protocol::OffsetFetchRequest& request,
                                                      RequestContext& context);

}  // namespace millrace::server
