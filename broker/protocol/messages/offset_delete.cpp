#include "broker/protocol/messages/offset_delete.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(OffsetDeleteRequest, OffsetDeleteResponse)
