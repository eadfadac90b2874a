#include "broker/protocol/messages/renew_delegation_token.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(RenewDelegationTokenRequest, RenewDelegationTokenResponse)
