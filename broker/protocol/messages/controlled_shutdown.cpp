#include "broker/protocol/messages/controlled_shutdown.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(ControlledShutdownRequest, ControlledShutdownResponse)
