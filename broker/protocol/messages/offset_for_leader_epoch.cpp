#include "broker/protocol/messages/offset_for_leader_epoch.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse)
