// Makes a record batch of magic 2, record by record. For coordinators, control records, recompression and tests; what producers send is
// appended as it came. Owned by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/protocol/record.h"
#include "broker/protocol/record_batch.h"

namespace millrace::protocol {

class RecordBatchBuilder {
 public:
  struct Options {
    Offset base_offset{};
    LeaderEpoch partition_leader_epoch = LeaderEpoch::none();
    Codec codec = Codec::none;
    std::optional<int> compression_level{};
    TimestampType timestamp_type = TimestampType::create_time;
    TimestampMs log_append_time{};  // for TimestampType::log_append_time
    ProducerId producer_id = ProducerId::none();
    ProducerEpoch producer_epoch = ProducerEpoch::none();
    Sequence base_sequence = Sequence::none();
    bool is_transactional = false;
    bool is_control = false;
    // The batch ends here, above its last record perhaps: compaction keeps the offsets and sequences of what it takes away.
    std::optional<Offset> last_offset{};
    // Until when tombstones and markers of the batch are kept; it stands where the base timestamp does otherwise (KIP-534).
    std::optional<TimestampMs> delete_horizon{};
  };

  explicit RecordBatchBuilder(Options options) : options_(options) {}

  // The record gets the next offset: one after the last one, or the base offset.
  void append(TimestampMs timestamp, std::optional<BytesView> key, std::optional<BytesView> value,
              std::span<const RecordHeader> headers = {});
  // The record gets this offset, which must be above the last one's (compaction leaves gaps).
  void append_at(Offset offset, TimestampMs timestamp, std::optional<BytesView> key, std::optional<BytesView> value,
                 std::span<const RecordHeader> headers = {});
  // The same for a record of another batch, whose attributes and headers are copied as they are.
  void append_copy(Offset offset, TimestampMs timestamp, const Record& record);

  [[nodiscard]] std::int32_t record_count() const { return record_count_; }
  // What build() would return without compression.
  [[nodiscard]] std::size_t plain_size_bytes() const { return batch_header_bytes + records_.size(); }

  // The whole batch. Errors: invalid_argument for a compression level that the codec does not have; resource_exhausted beyond 2 GiB.
  [[nodiscard]] Result<std::vector<std::uint8_t>> build() const;

 private:
  // Starts a record whose headers with their count take `headers_bytes`.
  void begin_record(Offset offset, TimestampMs timestamp, std::uint8_t attributes, std::optional<BytesView> key,
                    std::optional<BytesView> value, std::size_t headers_bytes);

  Options options_;
  std::vector<std::uint8_t> records_;
  TimestampMs base_timestamp_;
  TimestampMs max_timestamp_ = TimestampMs::none();
  Offset last_offset_;
  std::int32_t record_count_ = 0;
};

// A batch without records that keeps the offsets, the producer and the sequences of `header`, as compaction leaves it for a producer
// that goes on (Kafka: DefaultRecordBatch.writeEmptyHeader).
std::vector<std::uint8_t> empty_batch_of(const BatchHeader& header);

}  // namespace millrace::protocol
