#include "broker/protocol/record_batch.h"

#include <limits>
#include <string>

#include "broker/base/check.h"
#include "broker/base/crc32c.h"

namespace millrace::protocol {
namespace {

constexpr std::size_t length_at = 8;
constexpr std::size_t leader_epoch_at = 12;
constexpr std::size_t crc_at = 17;
constexpr std::size_t attributes_at = 21;
constexpr std::size_t last_offset_delta_at = 23;
constexpr std::size_t base_timestamp_at = 27;
constexpr std::size_t max_timestamp_at = 35;
constexpr std::size_t producer_id_at = 43;
constexpr std::size_t producer_epoch_at = 51;
constexpr std::size_t base_sequence_at = 53;
constexpr std::size_t record_count_at = 57;

// Of a message of magic 0 or 1 inside the length: CRC, magic, attributes, [timestamp,] key length, value length.
constexpr std::int32_t least_length_v0 = 14;
constexpr std::int32_t least_length_v1 = 22;
constexpr std::int32_t least_length_v2 = static_cast<std::int32_t>(batch_header_bytes - batch_length_overhead_bytes);

template <class T>
T load(BytesView bytes, std::size_t at) {
  return load_big_endian<T>(bytes.data() + at);
}

void require_whole_header(MutableBytes batch) {
  MILLRACE_INVARIANT(batch.size() >= batch_header_bytes,
                     "a batch is changed in place only after its header was parsed");
}

void update_crc(MutableBytes batch) { store_big_endian(batch.data() + crc_at, compute_batch_crc(batch)); }

}  // namespace

std::string_view to_string(Codec codec) {
  switch (codec) {
    case Codec::none:
      return "none";
    case Codec::gzip:
      return "gzip";
    case Codec::snappy:
      return "snappy";
    case Codec::lz4:
      return "lz4";
    case Codec::zstd:
      return "zstd";
  }
  return "unknown";
}

Sequence add_to_sequence(Sequence base, std::int32_t increment) {
  constexpr auto ring = std::int64_t{std::numeric_limits<std::int32_t>::max()} + 1;
  return Sequence(static_cast<std::int32_t>((std::int64_t{base.value()} + increment) % ring));
}

Sequence BatchHeader::last_sequence() const {
  return base_sequence.value() < 0 ? Sequence::none() : add_to_sequence(base_sequence, last_offset_delta);
}

Result<BatchPrefix> parse_batch_prefix(BytesView bytes) {
  if (bytes.size() < batch_prefix_bytes) {
    return fail(ErrorKind::truncated,
                "a batch starts with 17 bytes and " + std::to_string(bytes.size()) + " are there");
  }
  const BatchPrefix prefix{Offset(load<std::int64_t>(bytes, 0)), load<std::int32_t>(bytes, length_at),
                           load<std::int8_t>(bytes, batch_magic_position)};
  if (prefix.magic < 0 || prefix.magic > current_magic) {
    return fail(ErrorKind::corrupt, "batch at offset " + std::to_string(prefix.base_offset.value()) + " has magic " +
                                        std::to_string(prefix.magic) + "; 0, 1 and 2 are known");
  }
  const std::int32_t least = prefix.magic == 0   ? least_length_v0
                             : prefix.magic == 1 ? least_length_v1
                                                 : least_length_v2;
  if (prefix.length < least) {
    return fail(ErrorKind::corrupt, "batch at offset " + std::to_string(prefix.base_offset.value()) + " says it is " +
                                        std::to_string(prefix.length) + " bytes long; the least is " +
                                        std::to_string(least));
  }
  return prefix;
}

Result<BatchHeader> parse_batch_header(BytesView bytes) {
  const auto prefix = parse_batch_prefix(bytes);
  if (!prefix) return tl::unexpected(prefix.error());
  const auto refuse = [&](ErrorKind kind, const std::string& what) {
    return fail(kind, "batch at offset " + std::to_string(prefix->base_offset.value()) + ": " + what);
  };
  if (prefix->magic != current_magic)
    return refuse(ErrorKind::unsupported, "the old message format, magic " + std::to_string(prefix->magic));
  if (bytes.size() < batch_header_bytes) return refuse(ErrorKind::truncated, "its header is cut off");
  BatchHeader header;
  header.base_offset = prefix->base_offset;
  header.length = prefix->length;
  header.partition_leader_epoch = LeaderEpoch(load<std::int32_t>(bytes, leader_epoch_at));
  header.magic = prefix->magic;
  header.crc = load<std::uint32_t>(bytes, crc_at);
  header.attributes = BatchAttributes(load<std::int16_t>(bytes, attributes_at));
  header.last_offset_delta = load<std::int32_t>(bytes, last_offset_delta_at);
  header.base_timestamp = TimestampMs(load<std::int64_t>(bytes, base_timestamp_at));
  header.max_timestamp = TimestampMs(load<std::int64_t>(bytes, max_timestamp_at));
  header.producer_id = ProducerId(load<std::int64_t>(bytes, producer_id_at));
  header.producer_epoch = ProducerEpoch(load<std::int16_t>(bytes, producer_epoch_at));
  header.base_sequence = Sequence(load<std::int32_t>(bytes, base_sequence_at));
  header.record_count = load<std::int32_t>(bytes, record_count_at);
  if (header.last_offset_delta < 0)
    return refuse(ErrorKind::corrupt, "last offset delta " + std::to_string(header.last_offset_delta) + " is negative");
  if (header.record_count < 0)
    return refuse(ErrorKind::corrupt, "record count " + std::to_string(header.record_count) + " is negative");
  if (!header.attributes.has_known_codec())
    return refuse(ErrorKind::corrupt, "unknown codec " + std::to_string(header.attributes.bits() & 7));
  return header;
}

Result<Batch> parse_batch(BytesView bytes) {
  const auto header = parse_batch_header(bytes);
  if (!header) return tl::unexpected(header.error());
  if (header->size_bytes() > bytes.size()) {
    return fail(ErrorKind::truncated, "batch at offset " + std::to_string(header->base_offset.value()) + " is " +
                                          std::to_string(header->size_bytes()) + " bytes long and " +
                                          std::to_string(bytes.size()) + " are there");
  }
  return Batch{*header, bytes.first(header->size_bytes())};
}

std::uint32_t compute_batch_crc(BytesView batch) { return crc32c(batch.subspan(attributes_at)); }

Status check_batch_crc(const Batch& batch) {
  const std::uint32_t actual = compute_batch_crc(batch.bytes);
  if (actual == batch.header.crc) return {};
  return fail(ErrorKind::corrupt, "batch at offset " + std::to_string(batch.header.base_offset.value()) + " has CRC " +
                                      std::to_string(batch.header.crc) + " but its bytes have " +
                                      std::to_string(actual));
}

void write_batch_header(MutableBytes batch, const BatchHeader& header) {
  require_whole_header(batch);
  std::uint8_t* const to = batch.data();
  store_big_endian(to, header.base_offset.value());
  store_big_endian(to + length_at, header.length);
  store_big_endian(to + leader_epoch_at, header.partition_leader_epoch.value());
  store_big_endian(to + batch_magic_position, header.magic);
  store_big_endian(to + attributes_at, header.attributes.bits());
  store_big_endian(to + last_offset_delta_at, header.last_offset_delta);
  store_big_endian(to + base_timestamp_at, header.base_timestamp.value());
  store_big_endian(to + max_timestamp_at, header.max_timestamp.value());
  store_big_endian(to + producer_id_at, header.producer_id.value());
  store_big_endian(to + producer_epoch_at, header.producer_epoch.value());
  store_big_endian(to + base_sequence_at, header.base_sequence.value());
  store_big_endian(to + record_count_at, header.record_count);
  update_crc(batch);
}

void set_base_offset(MutableBytes batch, Offset offset) {
  require_whole_header(batch);
  store_big_endian(batch.data(), offset.value());
}

void set_partition_leader_epoch(MutableBytes batch, LeaderEpoch epoch) {
  require_whole_header(batch);
  store_big_endian(batch.data() + leader_epoch_at, epoch.value());
}

void set_max_timestamp(MutableBytes batch, TimestampType type, TimestampMs max_timestamp) {
  require_whole_header(batch);
  BatchAttributes attributes(load<std::int16_t>(batch, attributes_at));
  attributes.set_timestamp_type(type);
  store_big_endian(batch.data() + attributes_at, attributes.bits());
  store_big_endian(batch.data() + max_timestamp_at, max_timestamp.value());
  update_crc(batch);
}

void set_producer_state(MutableBytes batch, ProducerId id, ProducerEpoch epoch, Sequence base_sequence,
                        bool is_transactional) {
  require_whole_header(batch);
  BatchAttributes attributes(load<std::int16_t>(batch, attributes_at));
  attributes.set_transactional(is_transactional);
  store_big_endian(batch.data() + attributes_at, attributes.bits());
  store_big_endian(batch.data() + producer_id_at, id.value());
  store_big_endian(batch.data() + producer_epoch_at, epoch.value());
  store_big_endian(batch.data() + base_sequence_at, base_sequence.value());
  update_crc(batch);
}

MutableBytes writable_part(MutableBytes whole, BytesView part) {
  if (part.empty()) return {};
  MILLRACE_INVARIANT(part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size(),
                     "the part must lie inside the whole");
  return whole.subspan(static_cast<std::size_t>(part.data() - whole.data()), part.size());
}

Result<bool> BatchReader::next() {
  const BytesView rest = bytes_.subspan(next_position_);
  auto batch = parse_batch(rest);
  if (!batch) {
    if (batch.error().kind == ErrorKind::truncated) return false;
    return tl::unexpected(batch.error());
  }
  batch_ = *batch;
  next_position_ += batch_.bytes.size();
  return true;
}

}  // namespace millrace::protocol
