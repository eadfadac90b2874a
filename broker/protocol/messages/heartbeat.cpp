#include "broker/protocol/messages/heartbeat.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(HeartbeatRequest, HeartbeatResponse)
