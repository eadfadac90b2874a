#include "broker/protocol/messages/leave_group.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(LeaveGroupRequest, LeaveGroupResponse)
