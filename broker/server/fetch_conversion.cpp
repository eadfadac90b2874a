#include "broker/server/fetch_conversion.h"

#include <utility>

#include "broker/protocol/down_conversion.h"

namespace millrace::server {
namespace {

using protocol::ErrorCode;

// Converted records on their way out.
struct Converted {
  std::vector<std::uint8_t> bytes;
  protocol::ConversionCharge charge;
};

ErrorCode error_code_of(const Error& error) {
  switch (error.kind) {
    case ErrorKind::unavailable:
      return ErrorCode::none;
    case ErrorKind::unsupported:
      return ErrorCode::unsupported_compression_type;
    case ErrorKind::resource_exhausted:
      return ErrorCode::message_too_large;
    case ErrorKind::corrupt:
    case ErrorKind::truncated:
      return ErrorCode::corrupt_message;
    default:
      return ErrorCode::kafka_storage_error;
  }
}

Result<std::vector<std::uint8_t>> read_slice(const FileSlice& slice) {
  std::vector<std::uint8_t> bytes(slice.length_bytes);
  auto count = slice.file->read_at(slice.position, bytes);
  if (!count) return tl::unexpected(count.error());
  bytes.resize(*count);
  return bytes;
}

void convert(RecordsToConvert& records, std::int8_t to_magic, const protocol::ConversionBoundsPointer& bounds) {
  protocol::ConversionCharge charge(bounds);
  auto converted = read_slice(records.slice).and_then([&](const std::vector<std::uint8_t>& bytes) {
    return protocol::convert_down(bytes, to_magic, records.from, charge);
  });
  if (!converted) {
    bounds->observe(converted.error());
    records.error = error_code_of(converted.error());
    return;
  }
  auto kept = std::make_shared<Converted>(Converted{std::move(*converted), std::move(charge)});
  records.records = protocol::Records(protocol::Records::Borrowed{kept->bytes, kept});
}

}  // namespace

void convert_records(std::vector<RecordsToConvert>& all, std::int8_t to_magic, protocol::ConversionBoundsPointer bounds,
                     Shard& home, Job done) {
  home.workers().submit([&all, to_magic, bounds = std::move(bounds), &home, done = std::move(done)]() mutable {
    for (auto& records : all) convert(records, to_magic, bounds);
    home.post(std::move(done));
  });
}

}  // namespace millrace::server
