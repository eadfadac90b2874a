#include "broker/protocol/messages/init_producer_id.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(InitProducerIdRequest, InitProducerIdResponse)
