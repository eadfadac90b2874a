// Record batches of magic 2 (KIP-98; org.apache.kafka.common.record.DefaultRecordBatch), on the wire and in segments alike:
//
//   offset  0  base offset            int64   set by the broker, not covered by the CRC
//           8  batch length           int32   bytes after this field
//          12  partition leader epoch int32   set by the broker, not covered by the CRC
//          16  magic                  int8    2
//          17  CRC-32C                uint32  of everything from the attributes to the end
//          21  attributes             int16   codec 0-2, timestamp type 3, transactional 4, control 5, delete horizon 6
//          23  last offset delta      int32
//          27  base timestamp         int64   the delete horizon where attribute 6 is set
//          35  max timestamp          int64
//          43  producer id            int64   -1: none
//          51  producer epoch         int16
//          53  base sequence          int32
//          57  record count           int32
//          61  records, compressed as one stream when there is a codec
//
// Message sets of magic 0 and 1 share the first two fields and the place of the magic byte; they are recognised, not read.
// Pure functions on views; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/base/types.h"

namespace millrace::protocol {

inline constexpr std::size_t batch_length_overhead_bytes =
    12;  // base offset and length, which the length does not count
inline constexpr std::size_t batch_magic_position = 16;
inline constexpr std::size_t batch_prefix_bytes = 17;  // enough to know the size and the magic of any batch or message
inline constexpr std::size_t batch_header_bytes = 61;
inline constexpr std::int8_t current_magic = 2;

enum class Codec : std::uint8_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4 };  // 5 to 7 are invalid

std::string_view to_string(Codec codec);  // as in compression.type: "none", "gzip", …

enum class TimestampType : std::uint8_t {
  create_time = 0,      // each record has its producer's time
  log_append_time = 1,  // all records have the batch's max timestamp
};

class BatchAttributes {
 public:
  constexpr BatchAttributes() = default;
  constexpr explicit BatchAttributes(std::int16_t bits) : bits_(bits) {}

  [[nodiscard]] constexpr std::int16_t bits() const { return bits_; }
  [[nodiscard]] constexpr bool has_known_codec() const { return (bits_ & 0x07) <= 4; }
  [[nodiscard]] constexpr Codec codec() const { return static_cast<Codec>(bits_ & 0x07); }
  [[nodiscard]] constexpr TimestampType timestamp_type() const { return static_cast<TimestampType>((bits_ >> 3) & 1); }
  [[nodiscard]] constexpr bool is_transactional() const { return (bits_ & 0x10) != 0; }
  [[nodiscard]] constexpr bool is_control() const { return (bits_ & 0x20) != 0; }
  [[nodiscard]] constexpr bool has_delete_horizon() const { return (bits_ & 0x40) != 0; }

  constexpr void set_codec(Codec codec) { replace(0x07, static_cast<int>(codec)); }
  constexpr void set_timestamp_type(TimestampType type) { replace(0x08, static_cast<int>(type) << 3); }
  constexpr void set_transactional(bool on) { replace(0x10, on ? 0x10 : 0); }
  constexpr void set_control(bool on) { replace(0x20, on ? 0x20 : 0); }
  constexpr void set_delete_horizon(bool on) { replace(0x40, on ? 0x40 : 0); }

  friend constexpr bool operator==(BatchAttributes, BatchAttributes) = default;

 private:
  constexpr void replace(int mask, int bits) { bits_ = static_cast<std::int16_t>((bits_ & ~mask) | bits); }

  std::int16_t bits_ = 0;
};

// The start of any batch or message: what a scan needs to step over it.
struct BatchPrefix {
  Offset base_offset{};
  std::int32_t length = 0;
  std::int8_t magic = 0;

  [[nodiscard]] std::size_t size_bytes() const {
    return static_cast<std::size_t>(length) + batch_length_overhead_bytes;
  }
};

// Reads batch_prefix_bytes. Errors: truncated with fewer bytes; corrupt for a length that the magic's header does not fit in, or an unknown
// magic. Magic 0 and 1 are read.
Result<BatchPrefix> parse_batch_prefix(BytesView bytes);

struct BatchHeader {
  Offset base_offset{};
  std::int32_t length = 0;
  LeaderEpoch partition_leader_epoch = LeaderEpoch::none();
  std::int8_t magic = current_magic;
  std::uint32_t crc = 0;
  BatchAttributes attributes{};
  std::int32_t last_offset_delta = 0;
  TimestampMs base_timestamp{};
  TimestampMs max_timestamp{};
  ProducerId producer_id = ProducerId::none();
  ProducerEpoch producer_epoch = ProducerEpoch::none();
  Sequence base_sequence = Sequence::none();
  std::int32_t record_count = 0;

  [[nodiscard]] std::size_t size_bytes() const {
    return static_cast<std::size_t>(length) + batch_length_overhead_bytes;
  }
  // Of a header that no log has checked these may wrap around; they never overflow.
  [[nodiscard]] Offset last_offset() const { return base_plus(last_offset_delta); }
  [[nodiscard]] Offset next_offset() const { return base_plus(std::int64_t{last_offset_delta} + 1); }
  // The sequence of the last record, which wraps from the highest int32 to 0; none() without a producer id.
  [[nodiscard]] Sequence last_sequence() const;

 private:
  [[nodiscard]] Offset base_plus(std::int64_t distance) const {
    return Offset(static_cast<std::int64_t>(static_cast<std::uint64_t>(base_offset.value()) +
                                            static_cast<std::uint64_t>(distance)));
  }
};

// base + increment on the ring of sequences (0 follows the highest int32).
Sequence add_to_sequence(Sequence base, std::int32_t increment);

// Reads the header at the start of `bytes`, which may end after it. Errors: truncated with fewer than batch_header_bytes;
// unsupported for magic 0 or 1; corrupt for another magic, a length that the header does not fit in, a negative last offset delta, a
// negative count, an unknown codec. The CRC is not looked at.
Result<BatchHeader> parse_batch_header(BytesView bytes);

// A batch whose bytes are all there. Views them.
struct Batch {
  BatchHeader header;
  BytesView bytes;  // header and records, exactly header.size_bytes() of them

  [[nodiscard]] BytesView records() const { return bytes.subspan(batch_header_bytes); }
};

// The batch at the start of `bytes`; more may follow. Errors as parse_batch_header, and truncated when its end is missing.
Result<Batch> parse_batch(BytesView bytes);

// The checksum that the batch's bytes have, to be compared with header.crc.
std::uint32_t compute_batch_crc(BytesView batch);
// ErrorKind::corrupt with both checksums when they differ.
Status check_batch_crc(const Batch& batch);

// Writes all fields over the first batch_header_bytes of a whole batch, and the CRC that its bytes then have.
void write_batch_header(MutableBytes batch, const BatchHeader& header);

// In-place changes of a whole batch. The first two are outside the CRC; the others compute it anew.
void set_base_offset(MutableBytes batch, Offset offset);
void set_partition_leader_epoch(MutableBytes batch, LeaderEpoch epoch);
void set_max_timestamp(MutableBytes batch, TimestampType type, TimestampMs max_timestamp);
void set_producer_state(MutableBytes batch, ProducerId id, ProducerEpoch epoch, Sequence base_sequence,
                        bool is_transactional);

// The same bytes, writable, where `part` is a view into `whole` (a decoded request's records in the request's own buffer).
MutableBytes writable_part(MutableBytes whole, BytesView part);

// Steps over consecutive batches. A batch whose end is missing ends the walk without an error: a fetch may cut the last one, and a
// crash may tear it. After an error the walk stays at the faulty batch.
class BatchReader {
 public:
  explicit BatchReader(BytesView bytes) : bytes_(bytes) {}

  // Whether there is another whole batch, then in batch(); Errors of parse_batch otherwise. The CRC is not checked.
  Result<bool> next();
  [[nodiscard]] const Batch& batch() const { return batch_; }

  // Where batch() starts, and where the next one would.
  [[nodiscard]] std::size_t position() const { return next_position_ - batch_.bytes.size(); }
  [[nodiscard]] std::size_t next_position() const { return next_position_; }
  // What is left at the end that is no whole batch.
  [[nodiscard]] std::size_t torn_bytes() const { return bytes_.size() - next_position_; }

 private:
  BytesView bytes_;
  std::size_t next_position_ = 0;
  Batch batch_;
};

}  // namespace millrace::protocol
