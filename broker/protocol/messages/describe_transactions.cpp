#include "broker/protocol/messages/describe_transactions.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(DescribeTransactionsRequest, DescribeTransactionsResponse)
