// Any bytes as a request or response of any API and version: decode never leaves its input nor its memory bound, and what it takes can be
// written and read again to the same message.
//
// Input: a byte that chooses the form, then
//   0  a request frame, header and body, as a connection receives it
//   1  API key, version, and a response frame
//   2  API key, version, and a request's body
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "broker/protocol/any_message.h"
#include "broker/protocol/message.h"
#include "broker/protocol/registry.h"
#include "broker/protocol/request_header.h"

namespace millrace::protocol {
namespace {

void require(bool condition, const std::string& what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what.c_str());
  std::abort();
}

void check_as(ApiKey key, Version version, MessageKind kind, BytesView body) {
  const auto message = make_message(key, kind);
  require(message != nullptr, "the registry knows an API that cannot be made");
  std::size_t consumed = 0;
  const auto decoded = message->decode(body, version, &consumed, {.memory_limit_bytes = std::size_t{32} << 20});
  if (!decoded) {
    require(!decoded.error().message.empty(), "an error without words");
    return;
  }
  require(consumed <= body.size(), "more was read than is there");
  const auto encoded = message->encode(version);
  require(encoded.has_value(),
          "what was decoded cannot be encoded: " + (encoded ? std::string() : encoded.error().message));
  require(message->encoded_size(version).value() == encoded->size(), "the size is another than the encoding's");
  const auto again = make_message(key, kind);
  std::size_t consumed_again = 0;
  require(again->decode(*encoded, version, &consumed_again) && consumed_again == encoded->size(),
          "what was encoded cannot be decoded");
  // By bytes: a quota that is no number does not equal itself.
  const auto written_again = again->encode(version);
  require(written_again.has_value() && *written_again == *encoded,
          "decoded again it is another message: " + message->dump(version));
  require(message->dump(version, 4096).size() <= 4096 + 8, "the dump exceeds its limit");
}

void run(BytesView input) {
  if (input.empty()) return;
  const int form = input[0] % 3;
  BytesView rest = input.subspan(1);
  if (form == 0) {
    const auto header = decode_request_header(rest);
    if (header)
      check_as(header->header.api_key, header->header.api_version, MessageKind::request,
               rest.subspan(header->size_bytes));
    return;
  }
  if (rest.size() < 2) return;
  // Folded into what exists, so that most inputs reach a decoder.
  const ApiInfo& api = all_apis()[rest[0] % all_apis().size()];
  const int version_count = api.versions.highest - api.versions.lowest + 1;
  const auto version = static_cast<Version>(api.versions.lowest + rest[1] % version_count);
  rest = rest.subspan(2);
  if (form == 1) {
    const auto header = decode_response_header(rest, api.key, version);
    if (header) check_as(api.key, version, MessageKind::response, rest.subspan(header->size_bytes));
  } else {
    check_as(api.key, version, MessageKind::request, rest);
  }
}

}  // namespace
}  // namespace millrace::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  millrace::protocol::run({data, size});
  return 0;
}
