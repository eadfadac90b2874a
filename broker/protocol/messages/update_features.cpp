#include "broker/protocol/messages/update_features.h"

#include "broker/protocol/message_codec.h"

MILLRACE_DEFINE_API(UpdateFeaturesRequest, UpdateFeaturesResponse)
