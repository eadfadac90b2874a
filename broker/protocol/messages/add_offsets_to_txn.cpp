#include "broker/protocol/messages/add_offsets_to_txn.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(AddOffsetsToTxnRequest, AddOffsetsToTxnResponse)
