#include "broker/protocol/messages/find_coordinator.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(FindCoordinatorRequest, FindCoordinatorResponse)
