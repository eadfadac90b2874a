#include "broker/protocol/messages/sasl_authenticate.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(SaslAuthenticateRequest, SaslAuthenticateResponse)
