#include "broker/protocol/messages/delete_topics.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(DeleteTopicsRequest, DeleteTopicsResponse)
