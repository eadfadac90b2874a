#include "broker/protocol/messages/incremental_alter_configs.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse)
