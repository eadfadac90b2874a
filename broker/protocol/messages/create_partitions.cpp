#include "broker/protocol/messages/create_partitions.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(CreatePartitionsRequest, CreatePartitionsResponse)
