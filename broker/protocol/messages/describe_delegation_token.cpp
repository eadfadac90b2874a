#include "broker/protocol/messages/describe_delegation_token.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(DescribeDelegationTokenRequest, DescribeDelegationTokenResponse)
