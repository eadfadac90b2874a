#include "broker/protocol/messages/fetch.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(FetchRequest, FetchResponse)
