#include "broker/protocol/messages/api_versions.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(ApiVersionsRequest, ApiVersionsResponse)
