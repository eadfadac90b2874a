// Messages of the formats before record batches, magic 0 and 1 (Kafka: LegacyRecord, AbstractLegacyRecordBatch). All
// integers big-endian:
//
//   offset  0  offset      int64   of a compressed message: that of the last one inside
//           8  size        int32   bytes after this field
//          12  CRC-32      uint32  of everything from the magic to the end
//          16  magic       int8    0 or 1
//          17  attributes  int8    codec 0-2, timestamp type 3 (magic 1)
//          18  timestamp   int64   magic 1 only
//              key         int32 length, -1 for null, and bytes
//              value       the same
//
// A message with a codec has messages of the same magic as its value, one after another and compressed as one stream;
// with magic 1 their offsets are relative to the first. Views; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/protocol/record_batch.h"

namespace millrace::protocol {

inline constexpr std::size_t legacy_crc_position = 12;        // it covers everything behind itself
inline constexpr std::size_t legacy_timestamp_position = 18;  // of magic 1

struct LegacyMessage {
  Offset offset{};
  std::int8_t magic = 0;
  BatchAttributes attributes{};
  std::uint32_t crc = 0;
  TimestampMs timestamp = TimestampMs::none();  // magic 0 has none
  std::optional<BytesView> key{};
  std::optional<BytesView> value{};
  BytesView bytes;  // all of it, from the offset on

  [[nodiscard]] bool is_compressed() const { return (attributes.bits() & 7) != 0; }
};

// The message at the start of `bytes`; more may follow. Errors: truncated when its end is missing; corrupt for a size,
// a key or a value that cannot be. Any magic is read: above 0 there is a timestamp. The CRC is not looked at.
Result<LegacyMessage> parse_legacy_message(BytesView bytes);

std::uint32_t compute_legacy_crc(BytesView message);
// Of bytes in pieces: `sum` is that of those before, 0 at first.
std::uint32_t extend_legacy_crc(std::uint32_t sum, BytesView bytes);
// ErrorKind::corrupt with both checksums when they differ.
Status check_legacy_crc(const LegacyMessage& message);

// Steps over consecutive messages. One whose end is missing ends the walk without an error, as in Kafka.
class LegacyMessageReader {
 public:
  explicit LegacyMessageReader(BytesView bytes) : rest_(bytes) {}

  // Whether there is another whole message, then in message(). Errors: corrupt.
  Result<bool> next();
  [[nodiscard]] const LegacyMessage& message() const { return message_; }

 private:
  BytesView rest_;
  LegacyMessage message_;
};

struct LegacyFields {
  Offset offset{};
  std::int8_t magic = 1;
  BatchAttributes attributes{};
  TimestampMs timestamp = TimestampMs::none();
  std::optional<BytesView> key{};
  std::optional<BytesView> value{};
};

std::size_t legacy_size_bytes(const LegacyFields& fields);
// With the CRC that its bytes have.
void append_legacy_message(std::vector<std::uint8_t>& to, const LegacyFields& fields);

}  // namespace millrace::protocol
