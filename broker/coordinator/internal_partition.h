// One partition of an internal topic that this broker leads, as a coordinator uses it: read once from its first record to its last, then
// appended to (kafka.coordinator.group.GroupMetadataManager and TransactionStateManager do both through ReplicaManager).
//
// An object stands for one term: what it appends fails once the term is over. Owned by the partition's shard; completions run there.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/base/shard.h"
#include "broker/base/types.h"
#include "broker/base/unique_function.h"
#include "broker/log/transaction_verification.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/record_batch.h"
#include "broker/protocol/record_batch_builder.h"

namespace millrace::replication {
class Partition;
}

namespace millrace::coordinator {

class InternalPartition {
 public:
  // A batch and its records without compression. Called by one worker thread after the other, never by two at a time; an error ends
  // the reading with it.
  using ReadBatch = UniqueFunction<Status(const protocol::BatchHeader& header, BytesView plain_records)>;
  using ReadDone = UniqueFunction<void(Status)>;
  // NONE with the offset of the first record, else an error in Produce's codes.
  using AppendDone = UniqueFunction<void(protocol::ErrorCode error, Offset base_offset)>;

  InternalPartition() = default;
  InternalPartition(const InternalPartition&) = delete;
  InternalPartition& operator=(const InternalPartition&) = delete;
  virtual ~InternalPartition() = default;

  [[nodiscard]] virtual LeaderEpoch leader_epoch() const = 0;
  // All that is in the log when it is called. `done` comes once, after the last call of `read`, also when nobody cares any more. Errors: those of
  // `read`; io when the disk refuses, corrupt for bytes that are no batches, cancelled when the log has gone meanwhile.
  virtual void read_all(ReadBatch read, ReadDone done) = 0;
  // With acks=all, as one batch, behind those that were given before; `done` may run before it returns. The builder's leader epoch and
  // base offset are set by the log. `verification`: as in log::AppendRequest.
  virtual void append(const protocol::RecordBatchBuilder& batch, std::optional<log::VerificationGuard> verification,
                      AppendDone done) = 0;
};

// `partition` in the term that it is in. `read_bytes`: how much is read at once, a larger batch whole (offsets.load.buffer.size,
// transaction.state.log.load.buffer.size).
std::shared_ptr<InternalPartition> lead_internal_partition(std::shared_ptr<replication::Partition> partition,
                                                           std::size_t read_bytes);

}  // namespace millrace::coordinator
