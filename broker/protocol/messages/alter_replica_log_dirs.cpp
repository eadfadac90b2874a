#include "broker/protocol/messages/alter_replica_log_dirs.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse)
