#include "broker/protocol/messages/end_txn.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(EndTxnRequest, EndTxnResponse)
