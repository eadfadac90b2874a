#include "broker/protocol/messages/delete_groups.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(DeleteGroupsRequest, DeleteGroupsResponse)
