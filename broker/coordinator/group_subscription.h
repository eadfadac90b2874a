// The topics that a member of a group of protocol type "consumer" subscribes to: the start of what it says for any of its protocols, which is the
// same in all versions (org.apache.kafka.clients.consumer.internals.ConsumerProtocol, ConsumerProtocolSubscription.json). Pure function.
#pragma once

#include <string_view>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/result.h"

namespace millrace::coordinator {

// Views `metadata`. Errors: truncated or corrupt.
Result<std::vector<std::string_view>> subscribed_topics(BytesView metadata);

}  // namespace millrace::coordinator
