#include "broker/protocol/messages/list_transactions.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(ListTransactionsRequest, ListTransactionsResponse)
