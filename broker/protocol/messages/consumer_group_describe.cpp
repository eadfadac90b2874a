#include "broker/protocol/messages/consumer_group_describe.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse)
