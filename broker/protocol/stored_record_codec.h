// The definitions behind stored_record.h. Included only by the source files that define stored records, each of which says
//
//   MILLRACE_DEFINE_STORED_RECORD(millrace::coordinator::OffsetCommitValue)
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "broker/protocol/decode_fields.h"
#include "broker/protocol/encode_fields.h"
#include "broker/protocol/stored_record.h"

namespace millrace::protocol {

Status check_stored_version(std::string_view name, Versions versions, Version version);
Error stored_record_error(std::string_view name, Version version, const Error& error);
// `size_bytes` of room behind the version that is written.
std::vector<std::uint8_t> stored_record_buffer(Version version, std::size_t size_bytes);

template <class S>
Result<S> decode_stored_record(BytesView bytes) {
  auto version = stored_record_version(bytes);
  if (!version) return tl::unexpected(stored_record_error(S::name, -1, version.error()));
  if (auto known = check_stored_version(S::name, S::versions, *version); !known) return tl::unexpected(known.error());
  WireReader reader(bytes.subspan(sizeof(Version)));
  DecodeFields fields(reader, *version, *version >= S::flexible_since, DecodeOptions{}.memory_limit_bytes);
  Result<S> record{};
  fields.structure(*record);
  if (reader.failed()) return tl::unexpected(stored_record_error(S::name, *version, reader.error()));
  return record;
}

template <class S>
Result<std::vector<std::uint8_t>> encode_stored_record(const S& record, Version version) {
  if (auto known = check_stored_version(S::name, S::versions, version); !known) return tl::unexpected(known.error());
  EncodeState state;
  state.version = version;
  state.flexible = version >= S::flexible_since;
  const std::size_t size_bytes = structure_size(record, state);
  if (state.error) return tl::unexpected(stored_record_error(S::name, version, *state.error));
  auto buffer = stored_record_buffer(version, size_bytes);
  WireWriter writer(MutableBytes(buffer).subspan(sizeof(Version)));
  write_structure(record, state, writer);
  return buffer;
}

}  // namespace millrace::protocol

#define MILLRACE_DEFINE_STORED_RECORD(Record)                                                              \
  template millrace::Result<Record> millrace::protocol::decode_stored_record<Record>(millrace::BytesView); \
  template millrace::Result<std::vector<std::uint8_t>> millrace::protocol::encode_stored_record(           \
      const Record&, millrace::protocol::Version);
