#include "broker/protocol/messages/update_metadata.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(UpdateMetadataRequest, UpdateMetadataResponse)
