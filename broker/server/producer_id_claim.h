// A producer id that nobody has had, for whichever shard asks: the blocks are the metadata shard's.
#pragma once

#include <tl/expected.hpp>

#include "broker/base/shard.h"
#include "broker/base/types.h"
#include "broker/base/unique_function.h"
#include "broker/metadata/producer_id_blocks.h"
#include "broker/protocol/error_code.h"

namespace millrace::server {

// `done` runs on `home`, whose task this is. Errors: COORDINATOR_LOAD_IN_PROGRESS, after which Kafka's clients ask again
// (ZkProducerIdManager fails in the same way while ZooKeeper is away).
void claim_producer_id(Shard& home, Shard& metadata_shard, metadata::ProducerIdBlocks& producer_ids,
                       UniqueFunction<void(tl::expected<ProducerId, protocol::ErrorCode>)> done);

}  // namespace millrace::server
