#include "broker/log/segment_view.h"

#include <algorithm>

#include "broker/log/stored_messages.h"
#include "broker/protocol/compression.h"
#include "broker/protocol/legacy_message.h"
#include "broker/protocol/record_scanner.h"

namespace millrace::log {
namespace {

TimestampMs record_timestamp(const protocol::BatchHeader& header, const protocol::RecordSummary& record) {
  if (header.attributes.timestamp_type() == protocol::TimestampType::log_append_time) return header.max_timestamp;
  return TimestampMs(static_cast<std::int64_t>(static_cast<std::uint64_t>(header.base_timestamp.value()) +
                                               static_cast<std::uint64_t>(record.timestamp_delta)));
}

// The same of a message of magic 0 or 1, or of those inside it.
Result<std::optional<TimestampOffset>> find_message(const File& file, const ScannedBatch& scanned, BytesView bytes,
                                                    TimestampMs timestamp, Offset from) {
  std::vector<std::uint8_t> plain;
  auto messages = protocol::parse_legacy_message(bytes).and_then(
      [&](const protocol::LegacyMessage& outer) { return stored_messages(outer, plain); });
  if (!messages) {
    return fail(ErrorKind::corrupt,
                file.path() + " position " + std::to_string(scanned.position) + ": " + messages.error().message);
  }
  for (const auto& message : *messages) {
    if (message.timestamp >= timestamp && message.offset >= from)
      return std::optional<TimestampOffset>({message.timestamp, message.offset, LeaderEpoch::none()});
  }
  return std::nullopt;
}

// The first record of the batch at or above `from` whose timestamp is at least `timestamp`.
Result<std::optional<TimestampOffset>> find_in_batch(const File& file, const ScannedBatch& scanned,
                                                     TimestampMs timestamp, Offset from) {
  auto bytes = read_batch(file, scanned);
  if (!bytes) return tl::unexpected(bytes.error());
  if (!scanned.header) return find_message(file, scanned, *bytes, timestamp, from);
  auto batch = protocol::parse_batch(*bytes);
  if (!batch) return tl::unexpected(batch.error());
  protocol::RecordScanner records(*batch, {});
  while (records.next()) {
    auto offset = batch->header.base_offset + std::int64_t{records.record().offset_delta};
    auto found = record_timestamp(batch->header, records.record());
    if (found >= timestamp && offset >= from) {
      return std::optional<TimestampOffset>({found, offset, batch->header.partition_leader_epoch});
    }
  }
  if (!records.status()) {
    return fail(ErrorKind::corrupt, file.path() + " position " + std::to_string(scanned.position) + ": " +
                                        records.status().error().message);
  }
  return std::nullopt;
}

// Nothing was found up to the end of the file: or up to a batch whose length, which no checksum covers, leads beyond it.
template <class Found>
Result<std::optional<Found>> nothing_until(const BatchScanner& scanner, const SegmentView& segment) {
  if (scanner.next_position() == segment.size_bytes) return std::nullopt;
  return fail(ErrorKind::corrupt, segment.log_file->path() + ": the batch at position " +
                                      std::to_string(scanner.next_position()) + " is longer than the rest of the " +
                                      std::to_string(segment.size_bytes) + " bytes");
}

}  // namespace

Result<std::vector<std::uint8_t>> read_batch(const File& file, const ScannedBatch& batch) {
  std::vector<std::uint8_t> bytes(batch.size_bytes);
  auto got = file.read_at(batch.position, bytes);
  if (!got) return tl::unexpected(got.error());
  if (*got != bytes.size()) {
    return fail(ErrorKind::corrupt,
                file.path() + " ends within the batch at position " + std::to_string(batch.position));
  }
  return bytes;
}

void SegmentView::leads_astray(const std::string& what) const {
  if (doubts != nullptr) doubts->push_back(what);
}

// What is before the batch there is below its base offset. So an entry below that would hide what is between, and one in the
// middle of the batch, as Kafka's cleaner made them before 3.9.1 (KAFKA-806), hides nothing.
Result<std::optional<std::uint64_t>> SegmentView::trusted_position(const File& file, const OffsetIndexEntry& entry,
                                                                   PageCacheReads* only) const {
  if (entry.position == 0) return std::optional<std::uint64_t>(0);
  BatchScanner scanner(file, entry.position, size_bytes, only);
  auto more = scanner.next();
  if (!more && more.error().kind != ErrorKind::corrupt) return tl::unexpected(more.error());
  const bool fits =
      more && *more && scanner.batch().base_offset >= base_offset && scanner.batch().base_offset <= entry.offset;
  if (fits) return std::optional<std::uint64_t>(entry.position);
  leads_astray(offset_index.path() + ": the entry of offset " + std::to_string(entry.offset.value()) +
               " leads to position " + std::to_string(entry.position) + ", where no such batch begins");
  return std::nullopt;
}

// No record before the batch that has the offset is later than the timestamp, which is that batch's largest.
Result<std::optional<std::uint64_t>> SegmentView::trusted_position(const File& file,
                                                                   const TimeIndexEntry& entry) const {
  auto start = offset_index.lookup(entry.offset);
  if (!start) return tl::unexpected(start.error());
  auto position = trusted_position(file, *start);
  if (!position || !*position || entry.timestamp == TimestampMs::none()) return position;
  BatchScanner scanner(file, **position, size_bytes);
  while (true) {
    auto more = scanner.next();
    // Damage of the batches themselves is named by who reads them.
    if (!more && more.error().kind == ErrorKind::corrupt) return position;
    if (!more) return tl::unexpected(more.error());
    if (*more && scanner.batch().last_offset < entry.offset) continue;
    if (*more && scanner.batch().max_timestamp == entry.timestamp) return position;
    leads_astray(time_index.path() + ": the entry of timestamp " + std::to_string(entry.timestamp.value()) +
                 " leads to offset " + std::to_string(entry.offset.value()) + ", which does not have it");
    return std::nullopt;
  }
}

Result<std::optional<ScannedBatch>> SegmentView::find_batch(Offset offset, PageCacheReads* only) const {
  auto entry = offset_index.lookup(offset, only);
  if (!entry) return tl::unexpected(entry.error());
  auto file = open_for(only, *log_file);
  if (!file) return tl::unexpected(file.error());
  return trusted_position(**file, *entry, only).and_then([&](std::optional<std::uint64_t> position) {
    return find_batch_from(position.value_or(0), offset, only);
  });
}

Result<std::optional<ScannedBatch>> SegmentView::find_batch_from(std::uint64_t position, Offset offset,
                                                                 PageCacheReads* only) const {
  auto file = open_for(only, *log_file);
  if (!file) return tl::unexpected(file.error());
  BatchScanner scanner(**file, position, size_bytes, only);
  while (true) {
    auto more = scanner.next();
    if (!more) return tl::unexpected(more.error());
    if (!*more) return nothing_until<ScannedBatch>(scanner, *this);
    if (scanner.batch().last_offset >= offset) return scanner.batch();
  }
}

Result<std::optional<TimestampOffset>> SegmentView::find_timestamp(TimestampMs timestamp, Offset from) const {
  auto time_entry = time_index.lookup(timestamp);
  if (!time_entry) return tl::unexpected(time_entry.error());
  auto file = log_file->open();
  if (!file) return tl::unexpected(file.error());
  auto entry = offset_index.lookup(from);
  if (!entry) return tl::unexpected(entry.error());
  auto position = time_entry->offset > from ? trusted_position(**file, *time_entry) : trusted_position(**file, *entry);
  if (!position) return tl::unexpected(position.error());
  BatchScanner scanner(**file, position->value_or(0), size_bytes);
  while (true) {
    auto more = scanner.next();
    if (!more) return tl::unexpected(more.error());
    if (!*more) return nothing_until<TimestampOffset>(scanner, *this);
    if (scanner.batch().max_timestamp < timestamp || scanner.batch().last_offset < from) continue;
    auto found = find_in_batch(**file, scanner.batch(), timestamp, from);
    if (!found || *found) return found;
  }
}

Result<std::optional<TimestampOffset>> SegmentView::find_max_timestamp(TimestampMs timestamp,
                                                                       Offset batch_last_offset) const {
  auto entry = offset_index.lookup(batch_last_offset);
  if (!entry) return tl::unexpected(entry.error());
  auto file = log_file->open();
  if (!file) return tl::unexpected(file.error());
  auto position = trusted_position(**file, *entry);
  if (!position) return tl::unexpected(position.error());
  BatchScanner scanner(**file, position->value_or(0), size_bytes);
  while (true) {
    auto more = scanner.next();
    if (!more) return tl::unexpected(more.error());
    if (!*more) return nothing_until<TimestampOffset>(scanner, *this);
    if (scanner.batch().max_timestamp == timestamp) return find_in_batch(**file, scanner.batch(), timestamp, Offset(0));
  }
}

}  // namespace millrace::log
