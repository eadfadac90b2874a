#include "broker/protocol/messages/delete_acls.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(DeleteAclsRequest, DeleteAclsResponse)
