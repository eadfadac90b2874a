#include "broker/protocol/messages/produce.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(ProduceRequest, ProduceResponse)
