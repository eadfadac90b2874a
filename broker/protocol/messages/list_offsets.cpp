#include "broker/protocol/messages/list_offsets.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(ListOffsetsRequest, ListOffsetsResponse)
