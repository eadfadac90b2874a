#include "broker/protocol/messages/sasl_handshake.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(SaslHandshakeRequest, SaslHandshakeResponse)
