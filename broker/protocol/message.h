// What every declared message can do. The functions are compiled once per message, in messages/<name>.cpp: a user's compile
// pays for declarations only.
//
// `M` is a request or response of messages/*.h. A version outside the message's own range is ErrorKind::unsupported everywhere.
// All functions are pure and may be called on any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/output_chain.h"
#include "broker/base/result.h"
#include "broker/protocol/versions.h"

namespace millrace::protocol {

struct DecodeOptions {
  // Bound on the memory of all arrays of one message: two bytes on the wire may be a struct of fifty in memory.
  std::size_t memory_limit_bytes = std::size_t{256} << 20;
  // Receives, when given, how much of it a message took that could be read.
  std::size_t* used_memory_bytes = nullptr;
};

// Reads one message from the start of `body`, whose bytes the result's strings, bytes and records view. Errors: truncated or
// corrupt, naming the field and the byte; resource_exhausted beyond the options' bound. Bytes that are left over are no error (as
// in Kafka); `consumed_bytes`, when given, receives how many were read.
template <class M>
Result<M> decode(BytesView body, Version version, std::size_t* consumed_bytes = nullptr,
                 const DecodeOptions& options = {});

// The exact number of bytes that encode makes. Errors: invalid_argument, naming the field that `version` cannot carry.
template <class M>
Result<std::size_t> encoded_size(const M& message, Version version);

// The body alone, as one buffer; file slices are read (blocks).
template <class M>
Result<std::vector<std::uint8_t>> encode(const M& message, Version version);

// Whether a frame has its four length bytes already, or gets them from the connection that sends it.
enum class FrameLength : std::uint8_t { included, left_out };

// A whole frame: length, response header, body. One allocation for all bytes made here; records are spliced, not copied.
template <class M>
Result<OutputChain> encode_response_frame(const M& response, Version version, std::int32_t correlation_id,
                                          FrameLength frame_length = FrameLength::included);

// A whole frame: length, request header, body.
template <class M>
Result<std::vector<std::uint8_t>> encode_request_frame(const M& request, Version version, std::int32_t correlation_id,
                                                       std::string_view client_id);

// JSON-like text of the fields that `version` has, for logs and tests; at most about `limit_bytes` long. Bytes and records appear as their size.
template <class M>
std::string dump(const M& message, Version version, std::size_t limit_bytes = 16384);

}  // namespace millrace::protocol
