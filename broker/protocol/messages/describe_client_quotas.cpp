#include "broker/protocol/messages/describe_client_quotas.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(DescribeClientQuotasRequest, DescribeClientQuotasResponse)
