#include "broker/protocol/messages/offset_commit.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(OffsetCommitRequest, OffsetCommitResponse)
