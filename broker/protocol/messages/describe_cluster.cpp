#include "broker/protocol/messages/describe_cluster.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(DescribeClusterRequest, DescribeClusterResponse)
