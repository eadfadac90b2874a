#include "broker/protocol/messages/describe_groups.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(DescribeGroupsRequest, DescribeGroupsResponse)
