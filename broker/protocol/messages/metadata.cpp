#include "broker/protocol/messages/metadata.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(MetadataRequest, MetadataResponse)
