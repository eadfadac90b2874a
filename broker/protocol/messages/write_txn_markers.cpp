#include "broker/protocol/messages/write_txn_markers.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(WriteTxnMarkersRequest, WriteTxnMarkersResponse)
