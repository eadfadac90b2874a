// A partition of an internal topic in memory, whose appends end when a test lets them.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "broker/base/shard.h"
#include "broker/coordinator/internal_partition.h"

namespace millrace::coordinator::test {

// What outlives a term of leadership.
struct FakeLog {
  std::vector<std::vector<std::uint8_t>> batches;
  Offset end{0};
};

class FakePartition final : public InternalPartition, public std::enable_shared_from_this<FakePartition> {
 public:
  FakePartition(Shard& shard, FakeLog& log) : shard_(shard), log_(log) {}

  [[nodiscard]] LeaderEpoch leader_epoch() const override { return LeaderEpoch(0); }

  void read_all(ReadBatch read, ReadDone done) override {
    ++reads;
    // Reads to its end, whoever has dropped it.
    shard_.post([self = shared_from_this(), read = std::move(read), done = std::move(done)]() mutable {
      if (!self->read_error) {
        for (const auto& bytes : self->log_.batches) {
          const auto batch = protocol::parse_batch(bytes);
          if (!batch) return done(tl::unexpected(batch.error()));
          if (auto taken = read(batch->header, batch->records()); !taken) return done(taken);
        }
        return done({});
      }
      done(tl::unexpected(*self->read_error));
    });
  }

  void append(const protocol::RecordBatchBuilder& batch, std::optional<log::VerificationGuard> /*verification*/,
              AppendDone done) override {
    held.push_back({*batch.build(), std::move(done)});
    if (!hold_appends) end_append();
  }

  // The oldest append that is held back ends so.
  void end_append(protocol::ErrorCode error = protocol::ErrorCode::none) {
    auto append = std::move(held.front());
    held.pop_front();
    if (error != protocol::ErrorCode::none) return append.done(error, Offset::none());
    const Offset base = log_.end;
    protocol::set_base_offset(append.bytes, base);
    log_.end = protocol::parse_batch(append.bytes)->header.next_offset();
    log_.batches.push_back(std::move(append.bytes));
    append.done(protocol::ErrorCode::none, base);
  }

  struct Append {
    std::vector<std::uint8_t> bytes;
    AppendDone done;
  };

  int reads = 0;
  std::optional<Error> read_error;
  bool hold_appends = false;
  std::deque<Append> held;

 private:
  Shard& shard_;
  FakeLog& log_;
};

}  // namespace millrace::coordinator::test
