// The list of all declared messages, by ascending API key: what is not in it is unknown to the registry, the request header, the golden
// corpus and the fuzz targets. Heavy to include: for those, not for handlers.
#pragma once

#include "broker/protocol/messages/add_offsets_to_txn.h"
#include "broker/protocol/messages/add_partitions_to_txn.h"
#include "broker/protocol/messages/allocate_producer_ids.h"
#include "broker/protocol/messages/alter_client_quotas.h"
#include "broker/protocol/messages/alter_configs.h"
#include "broker/protocol/messages/alter_partition.h"
#include "broker/protocol/messages/alter_partition_reassignments.h"
#include "broker/protocol/messages/alter_replica_log_dirs.h"
#include "broker/protocol/messages/alter_user_scram_credentials.h"
#include "broker/protocol/messages/api_versions.h"
#include "broker/protocol/messages/consumer_group_describe.h"
#include "broker/protocol/messages/consumer_group_heartbeat.h"
#include "broker/protocol/messages/controlled_shutdown.h"
#include "broker/protocol/messages/create_acls.h"
#include "broker/protocol/messages/create_delegation_token.h"
#include "broker/protocol/messages/create_partitions.h"
#include "broker/protocol/messages/create_topics.h"
#include "broker/protocol/messages/delete_acls.h"
#include "broker/protocol/messages/delete_groups.h"
#include "broker/protocol/messages/delete_records.h"
#include "broker/protocol/messages/delete_topics.h"
#include "broker/protocol/messages/describe_acls.h"
#include "broker/protocol/messages/describe_client_quotas.h"
#include "broker/protocol/messages/describe_cluster.h"
#include "broker/protocol/messages/describe_configs.h"
#include "broker/protocol/messages/describe_delegation_token.h"
#include "broker/protocol/messages/describe_groups.h"
#include "broker/protocol/messages/describe_log_dirs.h"
#include "broker/protocol/messages/describe_producers.h"
#include "broker/protocol/messages/describe_transactions.h"
#include "broker/protocol/messages/describe_user_scram_credentials.h"
#include "broker/protocol/messages/elect_leaders.h"
#include "broker/protocol/messages/end_txn.h"
#include "broker/protocol/messages/envelope.h"
#include "broker/protocol/messages/expire_delegation_token.h"
#include "broker/protocol/messages/fetch.h"
#include "broker/protocol/messages/find_coordinator.h"
#include "broker/protocol/messages/heartbeat.h"
#include "broker/protocol/messages/incremental_alter_configs.h"
#include "broker/protocol/messages/init_producer_id.h"
#include "broker/protocol/messages/join_group.h"
#include "broker/protocol/messages/leader_and_isr.h"
#include "broker/protocol/messages/leave_group.h"
#include "broker/protocol/messages/list_groups.h"
#include "broker/protocol/messages/list_offsets.h"
#include "broker/protocol/messages/list_partition_reassignments.h"
#include "broker/protocol/messages/list_transactions.h"
#include "broker/protocol/messages/metadata.h"
#include "broker/protocol/messages/offset_commit.h"
#include "broker/protocol/messages/offset_delete.h"
#include "broker/protocol/messages/offset_fetch.h"
#include "broker/protocol/messages/offset_for_leader_epoch.h"
#include "broker/protocol/messages/produce.h"
#include "broker/protocol/messages/renew_delegation_token.h"
#include "broker/protocol/messages/sasl_authenticate.h"
#include "broker/protocol/messages/sasl_handshake.h"
#include "broker/protocol/messages/stop_replica.h"
#include "broker/protocol/messages/sync_group.h"
#include "broker/protocol/messages/txn_offset_commit.h"
#include "broker/protocol/messages/update_features.h"
#include "broker/protocol/messages/update_metadata.h"
#include "broker/protocol/messages/write_txn_markers.h"

namespace millrace::protocol {

template <class... Requests>
struct RequestList {};

using AllRequests = RequestList<
    ProduceRequest, FetchRequest, ListOffsetsRequest, MetadataRequest, LeaderAndIsrRequest, StopReplicaRequest,
    UpdateMetadataRequest, ControlledShutdownRequest, OffsetCommitRequest, OffsetFetchRequest, FindCoordinatorRequest,
    JoinGroupRequest, HeartbeatRequest, LeaveGroupRequest, SyncGroupRequest, DescribeGroupsRequest, ListGroupsRequest,
    SaslHandshakeRequest, ApiVersionsRequest, CreateTopicsRequest, DeleteTopicsRequest, DeleteRecordsRequest,
    InitProducerIdRequest, OffsetForLeaderEpochRequest, AddPartitionsToTxnRequest, AddOffsetsToTxnRequest,
    EndTxnRequest, WriteTxnMarkersRequest, TxnOffsetCommitRequest, DescribeAclsRequest, CreateAclsRequest,
    DeleteAclsRequest, DescribeConfigsRequest, AlterConfigsRequest, AlterReplicaLogDirsRequest, DescribeLogDirsRequest,
    SaslAuthenticateRequest, CreatePartitionsRequest, CreateDelegationTokenRequest, RenewDelegationTokenRequest,
    ExpireDelegationTokenRequest, DescribeDelegationTokenRequest, DeleteGroupsRequest, ElectLeadersRequest,
    IncrementalAlterConfigsRequest, AlterPartitionReassignmentsRequest, ListPartitionReassignmentsRequest,
    OffsetDeleteRequest, DescribeClientQuotasRequest, AlterClientQuotasRequest, DescribeUserScramCredentialsRequest,
    AlterUserScramCredentialsRequest, AlterPartitionRequest, UpdateFeaturesRequest, EnvelopeRequest,
    DescribeClusterRequest, DescribeProducersRequest, DescribeTransactionsRequest, ListTransactionsRequest,
    AllocateProducerIdsRequest, ConsumerGroupHeartbeatRequest, ConsumerGroupDescribeRequest>;

// Calls `visit.template operator()<Request>()` for each declared request.
template <class Visitor, class... Requests>
void for_each_request(RequestList<Requests...> /*list*/, Visitor&& visit) {
  (visit.template operator()<Requests>(), ...);
}

}  // namespace millrace::protocol
