#include "broker/protocol/messages/offset_fetch.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(OffsetFetchRequest, OffsetFetchResponse)
