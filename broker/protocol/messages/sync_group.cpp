#include "broker/protocol/messages/sync_group.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(SyncGroupRequest, SyncGroupResponse)
