#include "broker/protocol/messages/create_delegation_token.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(CreateDelegationTokenRequest, CreateDelegationTokenResponse)
