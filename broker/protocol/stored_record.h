// Keys and values of the internal topics' records (org.apache.kafka.common.protocol.MessageUtil.toVersionPrefixedBytes): two bytes of
// version, then a struct that is declared like a message (fields.h) with
//
//   static constexpr std::string_view name = "OffsetCommitValue";
//   static constexpr Versions versions{0, 4};
//   static constexpr Version flexible_since = 4;
//
// and defined once by MILLRACE_DEFINE_STORED_RECORD (stored_record_codec.h) in a source file of its layer. Strings and bytes are views
// into what was decoded. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/protocol/versions.h"

namespace millrace::protocol {

// The version in front. Errors: truncated.
Result<Version> stored_record_version(BytesView bytes);

// Errors: unsupported for a version that `S` does not have; truncated or corrupt, naming the field and the byte. Bytes that are left over
// are no error (as in Kafka).
template <class S>
Result<S> decode_stored_record(BytesView bytes);

// Errors: invalid_argument, naming the field that `version` cannot carry.
template <class S>
Result<std::vector<std::uint8_t>> encode_stored_record(const S& record, Version version);

}  // namespace millrace::protocol
