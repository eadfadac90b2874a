#include "broker/log/record_filter.h"

#include <algorithm>
#include <span>
#include <utility>

#include "broker/log/stored_messages.h"
#include "broker/protocol/compression.h"
#include "broker/protocol/legacy_message.h"
#include "broker/protocol/record.h"
#include "broker/protocol/record_batch_builder.h"

namespace millrace::log {
namespace {

using protocol::Batch;
using protocol::Codec;
using protocol::LegacyMessage;
using protocol::TimestampType;

// The records of a batch, plain.
class PlainRecords {
 public:
  static Result<PlainRecords> of(const Batch& batch) {
    PlainRecords records;
    records.view_ = batch.records();
    if (batch.header.attributes.codec() == Codec::none || batch.header.record_count == 0) return records;
    auto plain = protocol::decompress(batch.header.attributes.codec(), batch.records(), stored_limits);
    if (!plain) {
      return fail(plain.error().kind,
                  "batch at offset " + std::to_string(batch.header.base_offset.value()) + ": " + plain.error().message);
    }
    records.bytes_ = std::move(*plain);
    records.view_ = records.bytes_;
    return records;
  }

  [[nodiscard]] BytesView view() const { return view_; }

 private:
  std::vector<std::uint8_t> bytes_;  // moves without a change of place
  BytesView view_;
};

Result<std::optional<protocol::Record>> first_record(const Batch& batch, BytesView plain) {
  if (batch.header.record_count == 0) return std::nullopt;
  protocol::RecordReader reader(batch.header, plain);
  if (reader.next()) return reader.record();
  return tl::unexpected(reader.status().error());
}

std::vector<std::uint8_t> rewrite_plain(const LegacyMessage& outer, std::span<const StoredMessage> kept) {
  std::vector<std::uint8_t> plain;
  protocol::BatchAttributes attributes;
  if (outer.magic > 0) attributes.set_timestamp_type(outer.attributes.timestamp_type());
  for (const auto& message : kept) {
    const Offset offset = outer.magic > 0 ? Offset(message.offset - kept.front().offset) : message.offset;
    protocol::append_legacy_message(plain, {.offset = offset,
                                            .magic = outer.magic,
                                            .attributes = attributes,
                                            .timestamp = message.timestamp,
                                            .key = message.key,
                                            .value = message.value});
  }
  return plain;
}

// A compressed message with those of `kept` inside.
Result<std::vector<std::uint8_t>> rewrite(const LegacyMessage& outer, std::span<const StoredMessage> kept,
                                          TimestampMs max_timestamp) {
  auto framing = outer.magic == 0 ? protocol::Framing::magic_0 : protocol::Framing::standard;
  auto compressed = protocol::compress(outer.attributes.codec(), rewrite_plain(outer, kept), std::nullopt, framing);
  if (!compressed) return tl::unexpected(compressed.error());
  protocol::BatchAttributes attributes;
  attributes.set_codec(outer.attributes.codec());
  if (outer.magic > 0) attributes.set_timestamp_type(outer.attributes.timestamp_type());
  std::vector<std::uint8_t> bytes;
  protocol::append_legacy_message(bytes, {.offset = kept.back().offset,
                                          .magic = outer.magic,
                                          .attributes = attributes,
                                          .timestamp = max_timestamp,
                                          .key = std::nullopt,
                                          .value = BytesView(*compressed)});
  return bytes;
}

// Of the records that stay, collected until it is known whether the batch has to be made anew.
class RewrittenBatch {
 public:
  RewrittenBatch(const protocol::BatchHeader& header, std::optional<TimestampMs> delete_horizon)
      : header_(header),
        builder_({.base_offset = header.base_offset,
                  .partition_leader_epoch = header.partition_leader_epoch,
                  .codec = header.attributes.codec(),
                  .timestamp_type = header.attributes.timestamp_type(),
                  .log_append_time = header.max_timestamp,
                  .producer_id = header.producer_id,
                  .producer_epoch = header.producer_epoch,
                  .base_sequence = header.base_sequence,
                  .is_transactional = header.attributes.is_transactional(),
                  .is_control = header.attributes.is_control(),
                  .last_offset = header.last_offset(),
                  .delete_horizon = delete_horizon}) {}

  void add(const protocol::Record& record) {
    builder_.append_copy(record.offset(header_), record.timestamp(header_), record);
  }
  Result<std::vector<std::uint8_t>> build() const { return builder_.build(); }

 private:
  const protocol::BatchHeader& header_;
  protocol::RecordBatchBuilder builder_;
};

Status check_ascending(const protocol::Record& record, const Batch& batch, std::int64_t& last_delta) {
  if (record.offset_delta > last_delta && record.offset_delta <= batch.header.last_offset_delta) {
    last_delta = record.offset_delta;
    return {};
  }
  return fail(ErrorKind::corrupt, "batch at offset " + std::to_string(batch.header.base_offset.value()) +
                                      ": a record has offset delta " + std::to_string(record.offset_delta) + " after " +
                                      std::to_string(last_delta) + ", and the last may be " +
                                      std::to_string(batch.header.last_offset_delta));
}

}  // namespace

bool RecordFilter::is_last_of_producer(const protocol::BatchHeader& header) const {
  if (header.producer_id == ProducerId::none()) return false;
  const auto at = producers_.find(header.producer_id);
  if (at == producers_.end()) return false;
  if (at->second.last_data_offset) return header.last_offset() == *at->second.last_data_offset;
  return header.attributes.is_control() && header.producer_epoch == at->second.epoch;
}

bool RecordFilter::keeps(Offset offset, std::optional<BytesView> key, bool has_value, bool keeps_tombstones,
                         FilteredBatch& counts) const {
  if (offset > keys_.latest_offset()) return true;
  if (!key) {
    ++counts.records_without_key;
    return false;
  }
  return offset >= keys_.get(*key) && (has_value || keeps_tombstones);
}

Result<FilteredBatch> RecordFilter::filter(const AnyBatch& batch, const FilterSettings& settings) {
  if (batch.magic < protocol::current_magic) {
    transactions_.on_batch(batch.last_offset, ProducerId::none(), false);
    return filter_message(batch, settings);
  }
  return protocol::parse_batch(batch.bytes).and_then([&](const Batch& parsed) {
    return filter_batch(parsed, settings);
  });
}

// Whether the batch's transaction leaves nothing in it that is needed.
Result<bool> RecordFilter::is_discardable(const Batch& batch, BytesView plain) {
  const auto& header = batch.header;
  if (!header.attributes.is_control())
    return transactions_.on_batch(header.last_offset(), header.producer_id, header.attributes.is_transactional());
  auto first = first_record(batch, plain);
  if (!first) return tl::unexpected(first.error());
  return transactions_.on_control_batch(header.last_offset(), header.producer_id, *first ? &**first : nullptr);
}

// The records that stay, as views of `plain`; `into` counts.
Result<std::vector<protocol::Record>> RecordFilter::kept_records(const Batch& batch, BytesView plain, bool discarded,
                                                                 bool keeps_tombstones, FilteredBatch& into) const {
  const bool control = batch.header.attributes.is_control();
  std::vector<protocol::Record> kept;
  protocol::RecordReader reader(batch.header, plain);
  std::int64_t last_delta = -1;
  while (reader.next()) {
    const auto& record = reader.record();
    if (auto sound = check_ascending(record, batch, last_delta); !sound) return tl::unexpected(sound.error());
    ++into.records_read;
    if (discarded) continue;
    const bool stays =
        control || keeps(record.offset(batch.header), record.key, record.value.has_value(), keeps_tombstones, into);
    if (stays) kept.push_back(record);
  }
  if (!reader.status()) return tl::unexpected(reader.status().error());
  into.records_kept = kept.size();
  return kept;
}

Result<FilteredBatch> RecordFilter::filter_batch(const Batch& batch, const FilterSettings& settings) {
  const auto& header = batch.header;
  const bool control = header.attributes.is_control();
  auto plain = PlainRecords::of(batch);
  if (!plain) return tl::unexpected(plain.error());
  auto discardable = is_discardable(batch, plain->view());
  if (!discardable) return tl::unexpected(discardable.error());
  std::optional<TimestampMs> horizon;
  if (header.attributes.has_delete_horizon()) horizon = header.base_timestamp;
  const bool discarded = *discardable && (!control || (horizon && *horizon <= settings.now));
  const bool keeps_empty = is_last_of_producer(header) || header.next_offset() == settings.round_end;

  FilteredBatch result;
  result.last_offset = header.last_offset();
  if (discarded && !keeps_empty) return result;
  const bool keeps_tombstones = !horizon || settings.now < *horizon;
  auto kept = kept_records(batch, plain->view(), discarded, keeps_tombstones, result);
  if (!kept) return tl::unexpected(kept.error());
  result.max_timestamp = header.max_timestamp;
  if (kept->empty()) {
    if (!keeps_empty) return result;
    result.fate = BatchFate::emptied;
    result.rewritten = protocol::empty_batch_of(header);
    return result;
  }
  const bool has_tombstone = std::ranges::any_of(*kept, [](const auto& record) { return !record.value; });
  const bool new_horizon = !horizon && (has_tombstone || (control && *discardable));
  if (kept->size() == result.records_read && !new_horizon) {
    result.fate = BatchFate::kept;
    return result;
  }
  if (new_horizon) horizon = settings.now + settings.delete_retention_ms;
  RewrittenBatch rewritten(header, horizon);
  for (const auto& record : *kept) rewritten.add(record);
  auto built = rewritten.build();
  if (!built) return tl::unexpected(built.error());
  result.fate = BatchFate::rewritten;
  result.rewritten = std::move(*built);
  result.max_timestamp = protocol::parse_batch_header(result.rewritten).value().max_timestamp;
  return result;
}

Result<FilteredBatch> RecordFilter::filter_message(const AnyBatch& batch, const FilterSettings& settings) const {
  auto outer = protocol::parse_legacy_message(batch.bytes);
  if (!outer) return tl::unexpected(outer.error());
  std::vector<std::uint8_t> plain;
  auto messages = stored_messages(*outer, plain);
  if (!messages) return tl::unexpected(messages.error());

  FilteredBatch result;
  result.records_read = messages->size();
  std::vector<StoredMessage> kept;
  for (const auto& message : *messages) {
    if (keeps(message.offset, message.key, message.value.has_value(), settings.keeps_legacy_tombstones, result))
      kept.push_back(message);
  }
  result.records_kept = kept.size();
  if (kept.empty()) return result;
  result.last_offset = kept.back().offset;
  result.max_timestamp = outer->timestamp;
  if (kept.size() == messages->size()) {
    result.fate = BatchFate::kept;
    return result;
  }
  const bool by_log = outer->attributes.timestamp_type() == TimestampType::log_append_time;
  if (outer->magic > 0 && !by_log)
    result.max_timestamp = std::ranges::max_element(kept, {}, &StoredMessage::timestamp)->timestamp;
  auto built = rewrite(*outer, kept, result.max_timestamp);
  if (!built) return tl::unexpected(built.error());
  result.fate = BatchFate::rewritten;
  result.rewritten = std::move(*built);
  return result;
}

namespace {

// False: there was no room for it.
bool map_key(std::optional<BytesView> key, Offset offset, Offset from, KeyOffsetMap& keys) {
  if (!key || offset < from) return true;
  if (keys.full()) return false;
  keys.put(*key, offset);
  return true;
}

Result<bool> map_message_keys(const AnyBatch& batch, Offset from, KeyOffsetMap& keys) {
  auto outer = protocol::parse_legacy_message(batch.bytes);
  if (!outer) return tl::unexpected(outer.error());
  std::vector<std::uint8_t> plain;
  auto messages = stored_messages(*outer, plain);
  if (!messages) return tl::unexpected(messages.error());
  return std::ranges::all_of(
      *messages, [&](const StoredMessage& message) { return map_key(message.key, message.offset, from, keys); });
}

Result<bool> map_batch_keys(const Batch& batch, BytesView plain, Offset from, KeyOffsetMap& keys) {
  protocol::RecordReader reader(batch.header, plain);
  std::int64_t last_delta = -1;
  while (reader.next()) {
    const auto& record = reader.record();
    if (auto sound = check_ascending(record, batch, last_delta); !sound) return tl::unexpected(sound.error());
    if (!map_key(record.key, record.offset(batch.header), from, keys)) return false;
  }
  if (!reader.status()) return tl::unexpected(reader.status().error());
  return true;
}

}  // namespace

Result<bool> map_keys(const AnyBatch& batch, Offset from, CleanedTransactions& transactions, KeyOffsetMap& keys) {
  Result<bool> all = true;
  if (batch.magic < protocol::current_magic) {
    transactions.on_batch(batch.last_offset, ProducerId::none(), false);
    all = map_message_keys(batch, from, keys);
  } else {
    auto parsed = protocol::parse_batch(batch.bytes);
    if (!parsed) return tl::unexpected(parsed.error());
    const auto& header = parsed->header;
    const bool control = header.attributes.is_control();
    if (!control &&
        transactions.on_batch(header.last_offset(), header.producer_id, header.attributes.is_transactional())) {
      keys.set_latest_offset(batch.last_offset >= from ? batch.last_offset : keys.latest_offset());
      return true;
    }
    auto plain = PlainRecords::of(*parsed);
    if (!plain) return tl::unexpected(plain.error());
    if (control) {
      auto first = first_record(*parsed, plain->view());
      if (!first) return tl::unexpected(first.error());
      auto read = transactions.on_control_batch(header.last_offset(), header.producer_id, *first ? &**first : nullptr);
      if (!read) return tl::unexpected(read.error());
    } else {
      all = map_batch_keys(*parsed, plain->view(), from, keys);
    }
  }
  if (all && *all && batch.last_offset >= from) keys.set_latest_offset(batch.last_offset);
  return all;
}

}  // namespace millrace::log
