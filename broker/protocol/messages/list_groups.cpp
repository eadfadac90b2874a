#include "broker/protocol/messages/list_groups.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(ListGroupsRequest, ListGroupsResponse)
