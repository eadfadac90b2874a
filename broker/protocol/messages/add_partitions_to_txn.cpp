#include "broker/protocol/messages/add_partitions_to_txn.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(AddPartitionsToTxnRequest, AddPartitionsToTxnResponse)
