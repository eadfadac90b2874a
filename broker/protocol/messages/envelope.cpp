#include "broker/protocol/messages/envelope.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(EnvelopeRequest, EnvelopeResponse)
