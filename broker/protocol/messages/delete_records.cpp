#include "broker/protocol/messages/delete_records.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(DeleteRecordsRequest, DeleteRecordsResponse)
