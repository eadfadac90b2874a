#include "broker/protocol/messages/leader_and_isr.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(LeaderAndIsrRequest, LeaderAndIsrResponse)
