// Who is the controller: the broker whose ephemeral znode /controller is. Winning raises /controller_epoch in the same multi, so that
// what the previous controller still tries to write is refused (Kafka: KafkaZkClient.registerControllerAndIncrementControllerEpoch).
//
// Belongs to the store's shard; completions run there.
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/base/unique_function.h"
#include "broker/controller/topic_commands.h"
#include "broker/metadata/metadata_store.h"

namespace millrace::controller {

// The term that was won, or nothing when another broker is the controller.
using ElectionCompletion = UniqueFunction<void(Result<std::optional<ControllerTerm>>)>;

void elect_controller(metadata::MetadataStore& store, BrokerId self, TimestampMs now, ElectionCompletion done);

}  // namespace millrace::controller
