#include "broker/protocol/messages/consumer_group_heartbeat.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse)
