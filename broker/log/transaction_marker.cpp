#include "broker/log/transaction_marker.h"

#include <array>
#include <cstddef>

#include "broker/base/check.h"
#include "broker/protocol/record.h"
#include "broker/protocol/record_batch_builder.h"

namespace millrace::log {
namespace {

constexpr std::size_t version_bytes = 2;  // it is 0
constexpr std::size_t key_bytes = version_bytes + sizeof(std::int16_t);
constexpr std::size_t value_bytes = version_bytes + sizeof(std::int32_t);
constexpr std::int16_t abort_type = 0;
constexpr std::int16_t commit_type = 1;

}  // namespace

std::optional<TransactionMarker> read_marker(const protocol::Batch& batch) {
  if (!batch.header.attributes.is_control() || batch.header.attributes.codec() != protocol::Codec::none)
    return std::nullopt;
  protocol::RecordReader records(batch.header, batch.records());
  if (!records.next()) return std::nullopt;
  const auto& record = records.record();
  if (!record.key || record.key->size() < key_bytes || !record.value || record.value->size() < value_bytes)
    return std::nullopt;
  auto type = load_big_endian<std::int16_t>(record.key->data() + version_bytes);
  if (type != abort_type && type != commit_type) return std::nullopt;
  return TransactionMarker{type == commit_type, load_big_endian<std::int32_t>(record.value->data() + version_bytes)};
}

std::vector<std::uint8_t> marker_batch_of(const TransactionMarker& marker, ProducerId id, ProducerEpoch epoch,
                                          TimestampMs now) {
  protocol::RecordBatchBuilder::Options options;
  options.producer_id = id;
  options.producer_epoch = epoch;
  options.is_transactional = true;
  options.is_control = true;
  protocol::RecordBatchBuilder builder(options);
  std::array<std::uint8_t, key_bytes> key{};
  store_big_endian(key.data() + version_bytes, marker.commit ? commit_type : abort_type);
  std::array<std::uint8_t, value_bytes> value{};
  store_big_endian(value.data() + version_bytes, marker.coordinator_epoch);
  builder.append(now, BytesView(key), BytesView(value));
  auto batch = builder.build();
  MILLRACE_INVARIANT(batch.has_value(), "a batch of one small record, which is not compressed, can be made");
  return std::move(*batch);
}

}  // namespace millrace::log
