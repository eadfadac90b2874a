#include "broker/protocol/messages/alter_partition_reassignments.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse)
