#include "broker/protocol/messages/txn_offset_commit.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(TxnOffsetCommitRequest, TxnOffsetCommitResponse)
