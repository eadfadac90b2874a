#include "broker/protocol/request_header.h"

#include <string>

#include "broker/protocol/registry.h"
#include "broker/protocol/wire_reader.h"

namespace millrace::protocol {
namespace {

// Headers have no tagged fields of their own yet: whatever a newer peer sends there is skipped.
void skip_tagged_fields(WireReader& reader) {
  reader.set_field("tagged fields");
  const std::uint32_t count = reader.unsigned_varint();
  for (std::uint32_t index = 0; index < count && !reader.failed(); ++index) {
    reader.unsigned_varint();
    reader.bytes(reader.unsigned_varint());
  }
}

}  // namespace

Result<DecodedRequestHeader> decode_request_header(BytesView frame) {
  WireReader reader(frame);
  DecodedRequestHeader decoded;
  RequestHeader& header = decoded.header;
  reader.set_field("request_api_key");
  header.api_key = static_cast<ApiKey>(reader.number<std::uint16_t>());
  reader.set_field("request_api_version");
  header.api_version = static_cast<Version>(reader.number<std::uint16_t>());
  reader.set_field("correlation_id");
  header.correlation_id = static_cast<std::int32_t>(reader.number<std::uint32_t>());
  const ApiInfo* const api = find_api(header.api_key);
  if (!reader.failed() && api == nullptr) {
    return fail(ErrorKind::unsupported, "request header: API key " + std::to_string(static_cast<int>(header.api_key)) +
                                            " (" + std::string(to_string(header.api_key)) + ") is not known");
  }
  if (has_client_id(header.api_key, header.api_version)) {
    reader.set_field("client_id");
    if (const auto length = reader.classic_string_length()) header.client_id = as_text(reader.bytes(*length));
  }
  if (!reader.failed() && header.api_version >= api->flexible_since) skip_tagged_fields(reader);
  if (reader.failed()) return fail(reader.error().kind, "request header: " + reader.error().message);
  decoded.size_bytes = reader.consumed_bytes();
  return decoded;
}

bool has_client_id(ApiKey key, Version version) { return key != ApiKey::controlled_shutdown || version != 0; }

bool has_flexible_response_header(ApiKey key, Version version) {
  if (key == ApiKey::api_versions) return false;
  const ApiInfo* const api = find_api(key);
  return api != nullptr && version >= api->flexible_since;
}

Result<ResponseHeader> decode_response_header(BytesView frame, ApiKey key, Version version) {
  WireReader reader(frame);
  ResponseHeader header;
  reader.set_field("correlation_id");
  header.correlation_id = static_cast<std::int32_t>(reader.number<std::uint32_t>());
  if (has_flexible_response_header(key, version)) skip_tagged_fields(reader);
  if (reader.failed()) return fail(reader.error().kind, "response header: " + reader.error().message);
  header.size_bytes = reader.consumed_bytes();
  return header;
}

}  // namespace millrace::protocol
