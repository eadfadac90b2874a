// The headers in front of every request and response (KIP-482: request versions 0 to 2, response versions 0 and 1), and
// the frame around them: a four-byte length that does not count itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/versions.h"

namespace millrace::protocol {

inline constexpr std::size_t frame_length_bytes = 4;

struct RequestHeader {
  ApiKey api_key{};
  Version api_version = 0;
  std::int32_t correlation_id = 0;
  std::optional<std::string_view> client_id{};  // views the frame

  friend bool operator==(const RequestHeader&, const RequestHeader&) = default;
};

struct DecodedRequestHeader {
  RequestHeader header;
  std::size_t size_bytes = 0;  // the body starts here
};

// Reads the header at the start of a frame (without its length). Errors: truncated or corrupt; unsupported for an API key that the
// registry does not have, because the form of its header is then unknown. A version outside the API's range is not an error
// here: ApiVersions answers such a request (KIP-511), every other API closes the connection.
Result<DecodedRequestHeader> decode_request_header(BytesView frame);

// Whether this request's header names the client: all do but that of ControlledShutdown version 0.
bool has_client_id(ApiKey key, Version version);

struct ResponseHeader {
  std::int32_t correlation_id = 0;
  std::size_t size_bytes = 0;  // the body starts here
};

// Reads a response's header, for clients. `version` is that of the request.
Result<ResponseHeader> decode_response_header(BytesView frame, ApiKey key, Version version);

// Whether this API at this version has a response header with tagged fields: flexible versions, but never ApiVersions, whose
// answer must be readable by a client that does not yet know the version.
bool has_flexible_response_header(ApiKey key, Version version);

}  // namespace millrace::protocol
