#include "broker/protocol/messages/alter_client_quotas.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(AlterClientQuotasRequest, AlterClientQuotasResponse)
