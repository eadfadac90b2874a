#include "broker/protocol/messages/expire_delegation_token.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(ExpireDelegationTokenRequest, ExpireDelegationTokenResponse)
