#include "broker/log/producer_snapshot.h"

#include "broker/base/crc32c.h"

namespace millrace::log {
namespace {

constexpr std::int16_t snapshot_version = 1;
constexpr std::size_t crc_position = 2;
constexpr std::size_t covered_position = 6;
constexpr std::size_t entries_position = 10;
constexpr std::size_t entry_bytes = 46;

void encode_entry(const ProducerEntry& entry, std::uint8_t* to) {
  store_big_endian(to, entry.id.value());
  store_big_endian(to + 8, entry.epoch.value());
  store_big_endian(to + 10, entry.last_sequence().value());
  store_big_endian(to + 14, entry.last_offset().value());
  store_big_endian(to + 22, entry.batches.empty() ? std::int32_t{0} : entry.batches.newest().offset_delta);
  store_big_endian(to + 26, entry.last_timestamp.value());
  store_big_endian(to + 34, entry.coordinator_epoch);
  store_big_endian(to + 38, entry.transaction_first_offset.value_or(Offset::none()).value());
}

ProducerEntry decode_entry(const std::uint8_t* from) {
  ProducerEntry entry;
  entry.id = ProducerId(load_big_endian<std::int64_t>(from));
  entry.epoch = ProducerEpoch(load_big_endian<std::int16_t>(from + 8));
  entry.last_timestamp = TimestampMs(load_big_endian<std::int64_t>(from + 26));
  entry.coordinator_epoch = load_big_endian<std::int32_t>(from + 34);
  if (auto first = load_big_endian<std::int64_t>(from + 38); first >= 0) entry.transaction_first_offset = Offset(first);
  if (auto last_offset = load_big_endian<std::int64_t>(from + 14); last_offset >= 0) {
    entry.batches.add({Sequence(load_big_endian<std::int32_t>(from + 10)), Offset(last_offset),
                       load_big_endian<std::int32_t>(from + 22), entry.last_timestamp});
  }
  return entry;
}

}  // namespace

std::vector<std::uint8_t> encode_producer_snapshot(const std::vector<ProducerEntry>& entries) {
  std::vector<std::uint8_t> bytes(entries_position + entries.size() * entry_bytes);
  store_big_endian(bytes.data(), snapshot_version);
  store_big_endian(bytes.data() + covered_position, static_cast<std::int32_t>(entries.size()));
  auto* at = bytes.data() + entries_position;
  for (const auto& entry : entries) {
    encode_entry(entry, at);
    at += entry_bytes;
  }
  store_big_endian(bytes.data() + crc_position, crc32c(BytesView(bytes).subspan(covered_position)));
  return bytes;
}

Result<std::vector<ProducerEntry>> decode_producer_snapshot(BytesView bytes, const std::string& path) {
  if (bytes.size() < entries_position) {
    return fail(ErrorKind::corrupt,
                path + " has " + std::to_string(bytes.size()) + " bytes, fewer than a snapshot's header");
  }
  if (auto version = load_big_endian<std::int16_t>(bytes.data()); version != snapshot_version) {
    return fail(ErrorKind::corrupt, path + " has version " + std::to_string(version) + ", not 1");
  }
  auto stored = load_big_endian<std::uint32_t>(bytes.data() + crc_position);
  auto computed = crc32c(bytes.subspan(covered_position));
  if (stored != computed) {
    return fail(ErrorKind::corrupt,
                path + " has checksum " + std::to_string(stored) + ", its bytes " + std::to_string(computed));
  }
  auto count = load_big_endian<std::int32_t>(bytes.data() + covered_position);
  if (count < 0 || static_cast<std::size_t>(count) * entry_bytes != bytes.size() - entries_position) {
    return fail(ErrorKind::corrupt,
                path + " says " + std::to_string(count) + " entries in " + std::to_string(bytes.size()) + " bytes");
  }
  std::vector<ProducerEntry> entries;
  entries.reserve(static_cast<std::size_t>(count));
  for (auto at = entries_position; at < bytes.size(); at += entry_bytes)
    entries.push_back(decode_entry(bytes.data() + at));
  return entries;
}

}  // namespace millrace::log
