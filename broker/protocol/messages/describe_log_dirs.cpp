#include "broker/protocol/messages/describe_log_dirs.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(DescribeLogDirsRequest, DescribeLogDirsResponse)
