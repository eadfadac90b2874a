#include "broker/protocol/messages/allocate_producer_ids.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(AllocateProducerIdsRequest, AllocateProducerIdsResponse)
