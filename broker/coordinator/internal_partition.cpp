#include "broker/coordinator/internal_partition.h"

#include <utility>
#include <vector>

#include "broker/protocol/compression.h"
#include "broker/replication/error_translation.h"
#include "broker/replication/partition.h"

namespace millrace::coordinator {
namespace {

using protocol::ErrorCode;

Error error_of(const log::ReadError& error) {
  switch (error.kind) {
    case log::ReadErrorKind::closed:
      return {ErrorKind::cancelled, error.message};
    case log::ReadErrorKind::storage:
    case log::ReadErrorKind::offset_out_of_range:
      break;
  }
  return {ErrorKind::io, error.message};
}

// The whole batches of a slice, one after another; where the next read begins.
Result<Offset> read_batches(const FileSlice& slice, Offset from, InternalPartition::ReadBatch& read) {
  std::vector<std::uint8_t> bytes(slice.length_bytes);
  auto count = slice.file->read_at(slice.position, bytes);
  if (!count) return tl::unexpected(count.error());
  bytes.resize(*count);
  protocol::BatchReader batches(bytes);
  Offset next = from;
  for (auto found = batches.next();; found = batches.next()) {
    if (!found) return tl::unexpected(found.error());
    if (!*found) return next;
    const auto& batch = batches.batch();
    if (auto sound = protocol::check_batch_crc(batch); !sound) return tl::unexpected(sound.error());
    const auto codec = batch.header.attributes.codec();
    auto plain = codec == protocol::Codec::none ? Result<std::vector<std::uint8_t>>()
                                                : protocol::decompress(codec, batch.records());
    if (!plain) return tl::unexpected(plain.error());
    auto taken = read(batch.header, codec == protocol::Codec::none ? batch.records() : BytesView(*plain));
    if (!taken) return tl::unexpected(taken.error());
    next = batch.header.next_offset();
  }
}

// One pass over a log, which keeps itself until its end.
class Pass : public std::enable_shared_from_this<Pass> {
 public:
  Pass(std::shared_ptr<log::PartitionLog> log, std::size_t read_bytes, InternalPartition::ReadBatch read,
       InternalPartition::ReadDone done)
      : log_(std::move(log)),
        read_bytes_(read_bytes),
        next_(log_->log_start_offset()),
        end_(log_->log_end_offset()),
        read_(std::move(read)),
        done_(std::move(done)) {}

  void step() {
    if (next_ >= end_) return done_({});
    log_->read({next_, end_, read_bytes_, true, false}, [self = shared_from_this()](log::ReadOutcome outcome) {
      if (!outcome) return self->done_(tl::unexpected(error_of(outcome.error())));
      // Compaction may leave nothing between here and the end.
      if (outcome->records.length_bytes == 0) return self->done_({});
      self->read_slice(std::move(outcome->records));
    });
  }

 private:
  void read_slice(FileSlice slice) {
    auto& shard = log_->shard();
    shard.workers().submit([self = shared_from_this(), slice = std::move(slice), &shard]() mutable {
      auto next = read_batches(slice, self->next_, self->read_);
      shard.post([self = std::move(self), next = std::move(next)] { self->on_read(next); });
    });
  }

  void on_read(const Result<Offset>& next) {
    if (!next) return done_(tl::unexpected(next.error()));
    if (*next <= next_) {
      return done_(fail(ErrorKind::corrupt,
                        "no whole batch at offset " + std::to_string(next_.value()) + " of " + log_->directory()));
    }
    next_ = *next;
    step();
  }

  const std::shared_ptr<log::PartitionLog> log_;
  const std::size_t read_bytes_;
  Offset next_;
  const Offset end_;
  InternalPartition::ReadBatch read_;
  InternalPartition::ReadDone done_;
};

class LedPartition final : public InternalPartition {
 public:
  LedPartition(std::shared_ptr<replication::Partition> partition, std::size_t read_bytes)
      : partition_(std::move(partition)), leader_epoch_(partition_->leader_epoch()), read_bytes_(read_bytes) {}

  [[nodiscard]] LeaderEpoch leader_epoch() const override { return leader_epoch_; }

  void read_all(ReadBatch read, ReadDone done) override {
    std::make_shared<Pass>(partition_->log(), read_bytes_, std::move(read), std::move(done))->step();
  }

  void append(const protocol::RecordBatchBuilder& batch, std::optional<log::VerificationGuard> verification,
              AppendDone done) override {
    auto built = batch.build();
    if (!built) return done(ErrorCode::record_list_too_large, Offset::none());
    auto bytes = std::make_shared<std::vector<std::uint8_t>>(std::move(*built));
    replication::AppendCall call;
    call.batches = *bytes;
    call.now = partition_->log()->shard().clock().wall_clock();
    call.all_replicas = true;
    call.origin = log::AppendOrigin::coordinator;
    call.current_leader_epoch = leader_epoch_;
    call.verification = verification;
    partition_->append(call, [bytes, done = std::move(done)](replication::PartitionAppendOutcome outcome) mutable {
      if (outcome) return done(ErrorCode::none, outcome->base_offset);
      const auto error = replication::error_code_of(outcome.error());
      const bool is_over = error == ErrorCode::fenced_leader_epoch || error == ErrorCode::unknown_leader_epoch;
      done(is_over ? ErrorCode::not_leader_or_follower : error, Offset::none());
    });
  }

 private:
  const std::shared_ptr<replication::Partition> partition_;
  const LeaderEpoch leader_epoch_;
  const std::size_t read_bytes_;
};

}  // namespace

std::shared_ptr<InternalPartition> lead_internal_partition(std::shared_ptr<replication::Partition> partition,
                                                           std::size_t read_bytes) {
  return std::make_shared<LedPartition>(std::move(partition), read_bytes);
}

}  // namespace millrace::coordinator
