#include "broker/server/producer_id_claim.h"

#include <utility>

namespace millrace::server {

using protocol::ErrorCode;

void claim_producer_id(Shard& home, Shard& metadata_shard, metadata::ProducerIdBlocks& producer_ids,
                       UniqueFunction<void(tl::expected<ProducerId, ErrorCode>)> done) {
  metadata_shard.post([&home, &producer_ids, done = std::move(done)]() mutable {
    producer_ids.next([&home, done = std::move(done)](const Result<ProducerId>& id) mutable {
      home.post([done = std::move(done), id = id ? tl::expected<ProducerId, ErrorCode>(*id)
                                                 : tl::unexpected(ErrorCode::coordinator_load_in_progress)]() mutable {
        done(id);
      });
    });
  });
}

}  // namespace millrace::server
