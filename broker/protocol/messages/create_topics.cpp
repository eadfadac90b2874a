#include "broker/protocol/messages/create_topics.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(CreateTopicsRequest, CreateTopicsResponse)
