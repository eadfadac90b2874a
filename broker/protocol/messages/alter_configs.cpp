#include "broker/protocol/messages/alter_configs.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(AlterConfigsRequest, AlterConfigsResponse)
