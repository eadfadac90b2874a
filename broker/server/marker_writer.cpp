#include "broker/server/marker_writer.h"

#include <utility>

#include "broker/replication/error_translation.h"
#include "broker/server/fan_out.h"
#include "broker/server/internal_topics.h"

namespace millrace::server {

using protocol::ErrorCode;

Task<void> MarkerWriter::write(Shard& home, std::vector<MarkerWrite>& writes) {
  std::vector<ShardId> owners;
  owners.reserve(writes.size());
  for (const auto& write : writes) {
    owners.push_back(replication::owner_of(write.topic, write.partition, shards_.size()));
  }
  co_await fan_out(home, shards_, std::move(owners), [this, &writes](ShardId shard, std::size_t index, Job arrive) {
    append(shard, writes[index], std::move(arrive));
  });
}

void MarkerWriter::append(ShardId shard, MarkerWrite& write, Job arrive) {
  const auto partition = replicas_.table(shard).find(write.topic, write.partition);
  if (partition == nullptr) {
    write.error = ErrorCode::unknown_topic_or_partition;
    return arrive();
  }
  replication::AppendCall call;
  call.now = shards_.at(shard).clock().wall_clock();
  write.batch = log::marker_batch_of(write.marker, write.producer_id, write.producer_epoch, call.now);
  call.batches = write.batch;
  call.all_replicas = true;
  call.origin = log::AppendOrigin::coordinator;
  partition->append(call, [this, shard, &write,
                           arrive = std::move(arrive)](const replication::PartitionAppendOutcome& outcome) mutable {
    on_appended(shard, write, outcome, std::move(arrive));
  });
}

void MarkerWriter::on_appended(ShardId shard, MarkerWrite& write, const replication::PartitionAppendOutcome& outcome,
                               Job arrive) {
  if (!outcome) write.error = replication::error_code_of(outcome.error());
  if (!outcome || write.topic != group_topic) return arrive();
  // In a turn of its own: the append that let this one complete may be the group coordinator's.
  shards_.at(shard).post([this, shard, &write, arrive = std::move(arrive)]() mutable {
    on_offsets_marker_(shard, write.partition, write.producer_id, write.marker.commit);
    arrive();
  });
}

}  // namespace millrace::server
