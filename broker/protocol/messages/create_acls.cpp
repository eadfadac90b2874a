#include "broker/protocol/messages/create_acls.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(CreateAclsRequest, CreateAclsResponse)
