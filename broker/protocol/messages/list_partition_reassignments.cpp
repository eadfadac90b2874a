#include "broker/protocol/messages/list_partition_reassignments.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse)
