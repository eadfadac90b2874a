#include "broker/protocol/messages/describe_acls.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(DescribeAclsRequest, DescribeAclsResponse)
