#include "broker/protocol/messages/stop_replica.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(StopReplicaRequest, StopReplicaResponse)
