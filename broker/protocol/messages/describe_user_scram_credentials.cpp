#include "broker/protocol/messages/describe_user_scram_credentials.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse)
