#include "broker/protocol/messages/describe_configs.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(DescribeConfigsRequest, DescribeConfigsResponse)
