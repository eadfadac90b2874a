#include "broker/protocol/messages/elect_leaders.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(ElectLeadersRequest, ElectLeadersResponse)
