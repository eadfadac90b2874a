#include "broker/protocol/messages/describe_producers.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(DescribeProducersRequest, DescribeProducersResponse)
