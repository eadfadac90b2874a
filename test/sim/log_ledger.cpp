#include "test/sim/log_ledger.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "broker/protocol/record.h"
#include "broker/protocol/record_batch_builder.h"

namespace millrace::sim {
namespace {

using Fate = LedgerBatch::Fate;

constexpr std::int64_t largest_batch = 3;

std::string at(Offset offset) { return " at offset " + std::to_string(offset.value()); }

// "<prefix>/<number>/<record>…"
std::optional<std::pair<std::size_t, std::size_t>> parse_value(std::string_view value, std::string_view prefix) {
  if (!value.starts_with(prefix) || value.size() == prefix.size() || value[prefix.size()] != '/') return std::nullopt;
  value.remove_prefix(prefix.size() + 1);
  std::pair<std::size_t, std::size_t> parsed;
  const auto* end = value.data() + value.size();
  auto number = std::from_chars(value.data(), end, parsed.first);
  if (number.ec != std::errc{} || number.ptr == end || *number.ptr != '/') return std::nullopt;
  auto record = std::from_chars(number.ptr + 1, end, parsed.second);
  if (record.ec != std::errc{}) return std::nullopt;
  return parsed;
}

}  // namespace

struct LogLedger::Found {
  Offset base;
  Offset last;
  std::optional<std::size_t> number;                    // none: an empty batch
  std::vector<std::pair<Offset, std::size_t>> records;  // by number in the batch
};

std::vector<std::uint8_t> LogLedger::add_records(std::uint64_t count, std::uint64_t padding, std::uint64_t key,
                                                 TimestampMs now, const log::ProducerEntry* producer, ProducerId id,
                                                 bool transactional) {
  LedgerBatch batch;
  batch.producer = id;
  batch.transactional = transactional;
  protocol::RecordBatchBuilder::Options options;
  options.is_transactional = transactional;
  if (id != ProducerId::none()) {
    options.producer_id = id;
    options.producer_epoch = producer == nullptr ? ProducerEpoch(0) : producer->epoch;
    options.base_sequence = producer == nullptr ? Sequence(0) : producer->last_sequence() + 1;
  }
  protocol::RecordBatchBuilder builder(options);
  for (std::uint64_t record = 0; record < count; ++record) {
    auto name = "k" + std::to_string((key + record * 5) % 9);
    auto value =
        prefix + "/" + std::to_string(batches.size()) + "/" + std::to_string(record) + std::string(padding, '.');
    builder.append(now + static_cast<std::int64_t>(record), as_bytes(name), as_bytes(value));
    batch.records.emplace_back(std::move(name), std::move(value));
  }
  batches.push_back(std::move(batch));
  return *builder.build();
}

std::vector<std::uint8_t> LogLedger::add_marker(const log::ProducerEntry& producer, bool commit, TimestampMs now) {
  LedgerBatch batch;
  batch.producer = producer.id;
  batch.transactional = true;
  (commit ? batch.committed : batch.aborted) = true;
  protocol::RecordBatchBuilder builder(
      {.producer_id = producer.id, .producer_epoch = producer.epoch, .is_transactional = true, .is_control = true});
  std::vector<std::uint8_t> key(4);
  store_big_endian(key.data() + 2, static_cast<std::int16_t>(commit ? 1 : 0));
  std::vector<std::uint8_t> value(6);
  store_big_endian(value.data() + 2, static_cast<std::int32_t>(batches.size()));
  builder.append(now, BytesView(key), BytesView(value));
  batches.push_back(std::move(batch));
  return *builder.build();
}

void LogLedger::appended(std::size_t number, const log::AppendOutcome& outcome) {
  auto& batch = batches[number];
  if (!outcome) {
    const bool never_written =
        outcome.error().kind != log::AppendErrorKind::storage && outcome.error().kind != log::AppendErrorKind::closed;
    if (never_written) batch.fate = Fate::refused;
    return;
  }
  if (outcome->duplicate) {
    // Appends that wait for each other's end may be given the same sequence: the first of them stands for all.
    batch.fate = Fate::refused;
    return;
  }
  batch.base = outcome->base_offset;
  if (batch.fate == Fate::possible) batch.fate = Fate::written;
  if (config.flush_messages == 1) synced(batch.end());
  if (!batch.is_marker()) return;
  for (auto earlier = number; earlier-- > 0;) {
    auto& other = batches[earlier];
    if (other.producer != batch.producer || other.fate != Fate::written) continue;
    if (other.is_marker()) break;
    other.aborted = batch.aborted;
    other.committed = batch.committed;
  }
}

void LogLedger::acknowledge(std::size_t number, Offset end) {
  auto& batch = batches[number];
  if (batch.fate != Fate::possible) return;
  batch.fate = Fate::written;
  batch.base = end - static_cast<std::int64_t>(batch.is_marker() ? 1 : batch.records.size());
  synced(end);
}

// A batch that straddles the target goes as a whole.
void LogLedger::truncating(Offset target) { cutting_to_.push_back(std::max(Offset(0), target - (largest_batch - 1))); }

void LogLedger::truncated(Offset end) {
  ++cuts_;
  cutting_to_.pop_front();
  synced_to_ = std::min(synced_to_, end);
  std::set<ProducerId> undecided;  // their markers are gone
  for (auto& batch : batches) {
    if (batch.base && *batch.base >= end && batch.fate == Fate::written) batch.fate = Fate::gone;
  }
  for (auto number = batches.size(); number-- > 0;) {
    auto& batch = batches[number];
    if (batch.fate == Fate::gone && batch.is_marker()) undecided.insert(batch.producer);
    if (batch.fate != Fate::written) continue;
    if (batch.is_marker()) undecided.erase(batch.producer);
    if (undecided.contains(batch.producer)) batch.aborted = batch.committed = false;
  }
}

Offset LogLedger::floor() const {
  auto floor = synced_to_;
  if (log != nullptr) floor = std::max(floor, Offset(log->published().recovery_point.load()));
  for (const auto& lowest : cutting_to_) floor = std::min(floor, lowest);
  return floor;
}

// What a process has deleted and not yet written down is there again in the next one; a copy that was begun in between does not have it.
Offset LogLedger::highest_start() const {
  return log == nullptr ? start_ : std::max(start_, Offset(log->published().log_start_offset.load()));
}

void LogLedger::process_ended() {
  start_ = highest_start();
  synced_to_ = floor();
  log.reset();
}

std::string LogLedger::read(BytesView content, Offset start, Offset end, std::vector<Found>& found) const {
  protocol::BatchReader reader(content);
  auto expected = start;
  while (true) {
    auto more = reader.next();
    if (!more) return more.error().message;
    if (!*more) break;
    const auto& header = reader.batch().header;
    Found batch{header.base_offset, header.last_offset(), std::nullopt, {}};
    if (!protocol::check_batch_crc(reader.batch())) return "a wrong checksum" + at(batch.base);
    if (batch.base < expected && !(found.empty() && batch.last >= expected)) return "offsets go back" + at(batch.base);
    if (batch.base > expected && !config.compacted) return "a gap before offset " + std::to_string(batch.base.value());
    protocol::RecordReader records(header, reader.batch().records());
    while (records.next()) {
      const auto& record = records.record();
      const auto value = record.value.value_or(BytesView{});
      std::pair<std::size_t, std::size_t> known;
      if (header.attributes.is_control()) {
        if (value.size() < 6) return "a strange marker" + at(batch.base);
        known.first = static_cast<std::size_t>(load_big_endian<std::int32_t>(value.data() + 2));
      } else {
        auto parsed = parse_value(as_text(value), prefix);
        if (!parsed) return "a record that is none of this log's" + at(record.offset(header));
        known = *parsed;
        if (known.first >= batches.size() || known.second >= batches[known.first].records.size() ||
            batches[known.first].records[known.second].second != as_text(value))
          return "a record that was never written" + at(record.offset(header));
        batch.records.emplace_back(record.offset(header), known.second);
      }
      if (known.first >= batches.size()) return "a batch that was never written" + at(batch.base);
      if (batch.number && *batch.number != known.first) return "two batches in one" + at(batch.base);
      batch.number = known.first;
    }
    if (!records.status()) return records.status().error().message;
    expected = batch.last + 1;
    found.push_back(std::move(batch));
  }
  if (expected > end || (expected < end && !config.compacted))
    return "it says that it ends at " + std::to_string(end.value()) + ", its records at " +
           std::to_string(expected.value());
  return "";
}

std::string LogLedger::check_order(const std::vector<Found>& found) const {
  std::optional<std::size_t> before;
  for (const auto& batch : found) {
    if (!batch.number) {
      if (!config.compacted) return "a batch without records" + at(batch.base);
      continue;
    }
    const auto& known = batches[*batch.number];
    const auto name = "batch " + std::to_string(*batch.number) + at(batch.base);
    if (known.fate == Fate::gone) return name + " was cut off and is back";
    if (known.fate == Fate::refused) return name + " was refused and is there";
    if (known.base && *known.base != batch.base) return name + " was written at " + std::to_string(known.base->value());
    if (before && *before >= *batch.number) return name + " is twice there, or behind a later one";
    if (!config.compacted && batch.records.size() != known.records.size()) return name + " has lost records";
    for (const auto& [offset, record] : batch.records) {
      if (offset != batch.base + static_cast<std::int64_t>(record)) return name + " has other offsets";
    }
    before = batch.number;
  }
  return "";
}

std::string LogLedger::check_loss(const std::vector<Found>& found, Offset start, Offset floor) const {
  std::set<std::size_t> there;
  for (const auto& batch : found) {
    if (batch.number) there.insert(*batch.number);
  }
  for (std::size_t number = 0; number < batches.size(); ++number) {
    const auto& batch = batches[number];
    if (batch.fate != Fate::written || batch.end() > floor || batch.end() <= start || there.contains(number)) continue;
    return "batch " + std::to_string(number) + at(*batch.base) + " was on the disk, up to " +
           std::to_string(floor.value()) + ", and is lost";
  }
  return "";
}

std::string LogLedger::check_keys(const std::vector<Found>& found, Offset floor) const {
  std::map<std::string, Offset> kept;  // the newest that may stand for its key
  std::set<Offset> offsets;
  for (const auto& batch : found) {
    if (!batch.number) continue;
    const auto& known = batches[*batch.number];
    for (const auto& [offset, record] : batch.records) {
      offsets.insert(offset);
      if (!known.aborted) kept[known.records[record].first] = offset;
    }
  }
  std::map<std::string, Offset> wanted;
  for (const auto& batch : batches) {
    if (batch.fate != Fate::written || batch.end() > floor || (batch.transactional && !batch.committed)) continue;
    for (std::size_t record = 0; record < batch.records.size(); ++record)
      wanted[batch.records[record].first] = *batch.base + static_cast<std::int64_t>(record);
  }
  for (const auto& [key, offset] : wanted) {
    if (offsets.contains(offset)) continue;
    const auto newer = kept.find(key);
    if (newer == kept.end() || newer->second < offset) return "the newest record of " + key + at(offset) + " is lost";
  }
  return "";
}

std::string LogLedger::check(BytesView content, Offset start, Offset end, bool lossless) const {
  if (start > highest_start())
    return "it starts at " + std::to_string(start.value()) + ", above " + std::to_string(highest_start().value());
  std::vector<Found> found;
  if (auto wrong = read(content, start, end, found); !wrong.empty()) return wrong;
  if (auto wrong = check_order(found); !wrong.empty()) return wrong;
  auto floor = this->floor();
  if (lossless && cutting_to_.empty()) {
    for (const auto& batch : batches) {
      if (batch.fate == Fate::written) floor = std::max(floor, batch.end());
    }
  }
  return config.compacted ? check_keys(found, floor) : check_loss(found, start, floor);
}

std::string LogLedger::settle(BytesView content, Offset start, Offset end) {
  if (auto wrong = check(content, start, end, true); !wrong.empty()) return wrong;
  std::vector<Found> found;
  if (auto wrong = read(content, start, end, found); !wrong.empty()) return wrong;
  for (const auto& batch : found) {
    if (!batch.number) continue;
    auto& known = batches[*batch.number];
    known.fate = Fate::written;
    known.base = batch.base;
  }
  for (auto& batch : batches) {
    if (batch.fate == Fate::possible) batch.fate = Fate::gone;
  }
  if (cutting_to_.empty()) return "";
  // A cut that nobody was told of: what it has taken may be back when the power goes, too.
  for (auto& batch : batches) {
    if (batch.fate != Fate::written || *batch.base < end) continue;
    batch.fate = Fate::possible;
    batch.base.reset();
  }
  cutting_to_.erase(cutting_to_.begin() + 1, cutting_to_.end());
  truncated(end);
  return "";
}

}  // namespace millrace::sim
