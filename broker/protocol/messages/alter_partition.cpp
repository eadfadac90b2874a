#include "broker/protocol/messages/alter_partition.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(AlterPartitionRequest, AlterPartitionResponse)
