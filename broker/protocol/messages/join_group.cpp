#include "broker/protocol/messages/join_group.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(JoinGroupRequest, JoinGroupResponse)
